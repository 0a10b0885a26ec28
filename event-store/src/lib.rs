//! The event store: append, outbox, sequencing, reading, following, checkpoints, on Postgres.
//!
//! What it promises, and where:
//! - events are written only by [`write::append`], always with an expected version, all events of a
//!   command or none, in one round trip that takes no lock beyond its own streams, names and keys;
//! - every committed event gets exactly one position, dense and final, in an order in which versions
//!   of a stream never swap ([`log::sequencer`], with the proof in [`log::gaps`]);
//! - a consumer's rows and its checkpoint commit in one transaction, and the checkpoint moves by
//!   compare-and-set ([`consume::checkpoint`], [`consume::consumer`]);
//! - no event is skipped silently: one that cannot be applied parks its stream ([`consume::parked`]);
//! - a consumer's tables can be rebuilt beside those that serve ([`consume::generation`]).
//!
//! It must never hold business rules, and never read by a sequence number or a timestamp ([`audit`]
//! compares by numbers, and follows none).

pub mod backoff;
pub mod envelope;
pub mod error;
pub mod pool;

pub mod codec;
pub mod upcast;

pub mod lease;

pub mod consume;
pub mod log;
pub mod write;

pub mod audit;

pub mod cloudevent;
pub mod stream_types;
