//! Activity: what happened, for people.

mod filter;
mod object;
mod queries;

pub(crate) use object::Activity;
pub(crate) use queries::ActivityQueries;
