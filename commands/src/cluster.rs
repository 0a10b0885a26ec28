//! The commands about clusters, one file a use case.

pub(crate) mod capacity;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod update;

pub use create::NewCluster;
