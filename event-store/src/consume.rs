//! Following the log: sources of events, consumers, checkpoints, generations, parked streams, and the
//! leases and signals that background tasks share.
//!
//! It must never move a checkpoint outside the transaction of the rows that it vouches for.

pub mod source;
pub mod wake;

pub mod checkpoint;
pub mod consumer;
pub mod generation;
pub mod parked;
pub mod pause;
pub mod retry;

pub mod lease;
