//! Writing: one statement that commits a command's events with everything that must commit with them.
//!
//! This module must never write a part of a command, and never lock a row that the command does not
//! concern.

pub mod append;
pub mod command;
pub mod counter;
pub mod group;
pub mod idempotency;
pub mod name;
pub mod snapshot;
