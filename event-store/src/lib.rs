//! The event store: append, outbox, sequencing, reading, following, checkpoints, on Postgres.
//!
//! The event store makes these promises:
//! - [`write::append`] is the only writer of events. An append always has an expected version and writes
//!   all events of a command or none. It takes one round trip, and no lock beyond its own streams, names
//!   and keys;
//! - every committed event gets exactly one position, dense and final. Versions of a stream never swap in
//!   that order ([`log::sequencer`], with the proof in [`log::gaps`]);
//! - a consumer's rows and its checkpoint commit in one transaction, and the checkpoint moves by
//!   compare-and-set ([`consume::checkpoint`], [`consume::consumer`]);
//! - no event is skipped silently: an event that cannot be applied parks its stream ([`consume::parked`]);
//! - a log that went back is noticed before anything is decided, sequenced or followed on it ([`incarnation`]);
//! - a consumer's tables can be rebuilt beside those that serve ([`consume::generation`]).
//!
//! The event store must never hold business rules, and never read by a sequence number or a timestamp
//! ([`audit`] compares by numbers, and follows none).

pub mod backoff;
pub mod envelope;
pub mod error;
pub mod pool;

pub mod codec;
pub mod upcast;

pub mod incarnation;
pub mod lease;

pub mod consume;
pub mod log;
pub mod write;

pub mod audit;

pub mod cloudevent;
pub mod partitions;
pub mod sequence;
pub mod stream_types;
