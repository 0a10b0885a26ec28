//! The event store: append, outbox, sequencing, reading, following, checkpoints, on Postgres.
//!
//! What it promises, and where:
//! - events are written only by [`append`], always with an expected version, all events of a command
//!   or none, in one round trip that takes no lock beyond its own streams, names and keys;
//! - every committed event gets exactly one position, dense and final, in an order in which versions
//!   of a stream never swap ([`sequencer`], with the proof in [`gaps`]);
//! - a consumer's rows and its checkpoint commit in one transaction, and the checkpoint moves by
//!   compare-and-set ([`checkpoint`], [`consumer`]);
//! - no event is skipped silently: one that cannot be applied parks its stream ([`parked`]);
//! - a consumer's tables can be made anew beside those that serve ([`generation`]).
//!
//! It must never hold business rules, and never read by a sequence number or a timestamp ([`audit`]
//! compares by numbers, and follows none).

pub mod envelope;
pub mod error;
pub mod pool;

pub mod codec;
pub mod upcast;

pub mod append;
pub mod group;
pub mod idempotency;
pub mod reservation;
pub mod snapshot;

pub mod gaps;
pub mod lease;
pub mod sequencer;

pub mod log;
pub mod source;
pub mod wake;

pub mod checkpoint;
pub mod consumer;
pub mod generation;
pub mod parked;
pub mod pause;
pub mod retry;

pub mod audit;
pub mod digest;

pub mod cloudevent;
pub mod unpublished;
