//! The platform itself: its state, and the cost of a request.

mod object;
mod queries;
mod rate_limit;

pub(crate) use queries::PlatformQueries;
