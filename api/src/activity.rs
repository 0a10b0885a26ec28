//! Activity: a line for people about each event.

pub(crate) mod queries;

mod filter;
mod object;
