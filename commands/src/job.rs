//! The commands about jobs, one file a use case.

mod ownership;
pub(crate) mod submit;
pub(crate) mod update;

pub use submit::NewJob;
