//! Mixed load through the public API: clients that send each command until it is answered, and some that
//! abandon a command.

mod client;
mod reads;
mod shared;
mod workload;

pub(crate) use client::Client;
pub(crate) use reads::{ReadTally, Reads};
pub(crate) use shared::SharedResources;
