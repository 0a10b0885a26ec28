//! Which requests may run: limits, prices, points, and documents that are known.

pub mod documents;
pub mod entry;
pub mod limits;
pub mod rate_limit;

pub(crate) mod persisted;

mod refusal;
