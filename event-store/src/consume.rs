//! The consumption of the log: sources of events, consumers, checkpoints, generations, parked streams, and
//! the leases and signals that background tasks share.
//!
//! Other crates call these modules and send no statement of their own on the tables of `es`
//! (`clustergenie/tests/it/es_tables.rs`). This module must never move a checkpoint outside the transaction
//! of the rows that it covers.

pub mod shared_log;
pub mod source;
pub mod wake;

pub mod checkpoint;
pub mod consumer;
pub mod generation;
pub mod parked;
pub mod pause;
pub mod retry;

pub mod applied;
pub mod shown;
pub mod status;
