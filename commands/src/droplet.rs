//! The commands about droplets, one file a use case.

mod delete;
mod machine_job;
mod ownership;
mod provision;
mod update;

pub use provision::NewDroplet;

pub(crate) use machine_job::{DEPROVISION, PROVISION, is_reserved};
