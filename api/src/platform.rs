//! The platform itself: its state, and the cost of a request.

pub(crate) mod queries;

mod object;
mod rate_limit;
