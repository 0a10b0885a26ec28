//! Recorded commands: what was tried, by whom, and its outcome.

pub(crate) mod queries;

mod filter;
mod object;
mod outcome;
