//! From committed events to positions, and from positions to Kafka and other sinks.
//!
//! What it promises, and where:
//! - one process at a time sequences, and one publishes ([`sequencing`], [`publisher`]); a standby takes
//!   over within seconds, and an old one that wakes up again can no longer write;
//! - every event is in Kafka exactly once and in stream order for `read_committed` readers, whenever
//!   the relay or Kafka ends and comes back (`writer`, `progress`);
//! - an event that Kafka refuses for good holds back its own stream, visibly, and no other (`held`);
//! - Kafka being down stops nothing but publishing, and [`health`] says why;
//! - that Kafka holds what the log holds can be checked at any time ([`audit`]).
//!
//! It must never decide what an event means, and never write, change or remove an event. What it writes to
//! the database is where events stand ([`sequencing`]), who leads, which events Kafka does not have
//! (`held`) and how far it is, how far the archive's copy is (`archive`, a feature of the build), and digests of the log; what
//! else it deletes is idempotency keys that are too old ([`maintenance`]).

pub mod publisher;
pub mod sequencing;

#[cfg(feature = "archive")]
pub mod archive;
pub mod audit;
pub mod maintenance;

pub mod health;

mod held;
mod kafka_diagnostics;
mod lag;
mod leader;
mod progress;
mod topic_tail;
mod topics;
