//! From committed events to positions, and from positions to Kafka and other sinks.
//!
//! What it promises, and where:
//! - one process at a time sequences, and one publishes ([`sequencing`], [`publisher`]); a standby takes
//!   over within seconds, and an old leader that wakes up can no longer write;
//! - every event is in Kafka exactly once, and positions ascend in every partition, for `read_committed`
//!   readers, however the relay or Kafka ends and comes back (`publisher::writer`, `progress`);
//! - topics whose settings would break that are refused before anything is fenced or sent (`topics`), and
//!   an event that Kafka refuses for good stops publishing, visibly ([`refusal`]);
//! - Kafka being down stops nothing but publishing, and [`health`] says why;
//! - whether Kafka holds what the log holds can be checked at any time ([`audit`]).
//!
//! It must never decide what an event means, and never write, change or remove an event. It writes to the
//! database: positions of events ([`sequencing`]), leases, how far Kafka is (`lag`), how far the archive's
//! copy is (`archive`, a feature of the build), and digests of the log. It deletes idempotency keys that are too old
//! ([`maintenance`]).

pub mod publisher;
pub mod sequencing;

#[cfg(feature = "archive")]
pub mod archive;
pub mod audit;
pub mod maintenance;

pub mod health;
pub mod message_size;
pub mod refusal;

mod kafka_diagnostics;
mod lag;
mod leader;
mod progress;
mod topic_tail;
mod topics;
