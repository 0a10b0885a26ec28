//! The commands about clusters, one file a use case.

pub(crate) mod capacity;
mod create;
mod delete;
mod update;

pub use create::NewCluster;
