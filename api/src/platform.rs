//! The platform itself: how it is doing, and what a request costs.

mod object;
mod queries;
mod rate_limit;

pub(crate) use queries::PlatformQueries;
