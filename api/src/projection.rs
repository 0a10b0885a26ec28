//! Read models: their progress, and the operations of operators on them.

pub(crate) mod mutations;

mod generation;
mod inputs;
mod object;
mod parked;
mod payload;

pub(crate) use object::Projection;
