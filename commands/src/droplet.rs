//! The commands about droplets, one file a use case.

pub(crate) mod delete;
mod machine_job;
mod ownership;
pub(crate) mod provision;
pub(crate) mod update;

pub use provision::NewDroplet;

pub(crate) use machine_job::{DEPROVISION, PROVISION, is_reserved};
