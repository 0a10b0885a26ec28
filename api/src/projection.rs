//! Read models: how far they are, and what operators do to them.

mod generation;
mod inputs;
mod mutations;
mod object;
mod parked;
mod payload;

pub(crate) use mutations::ProjectionMutations;
pub(crate) use object::Projection;
