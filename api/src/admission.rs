//! Decides which requests may run: limits, prices, points, and known documents.

pub mod documents;
pub mod limits;
pub mod rate_limit;

pub(crate) mod persisted;
pub(crate) mod refusal;
