//! Activity: a line for people about each event.

mod filter;
mod object;
mod queries;

pub(crate) use object::Activity;
pub(crate) use queries::ActivityQueries;
