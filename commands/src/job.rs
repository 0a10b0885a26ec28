//! The commands about jobs, one file a use case.

mod ownership;
mod submit;
mod update;

pub use submit::NewJob;
