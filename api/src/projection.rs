//! Read models: their progress, and the operations of operators on them.

mod generation;
mod inputs;
mod mutations;
mod object;
mod parked;
mod payload;

pub(crate) use mutations::ProjectionMutations;
pub(crate) use object::Projection;
