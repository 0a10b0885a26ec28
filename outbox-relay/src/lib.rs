//! The relay: gives committed events their positions, and copies the log to Kafka and other sinks.
//!
//! Guarantees, and the modules that give them:
//! - one process at a time sequences, and one publishes ([`sequencing`], [`publisher`]). A standby takes
//!   over within seconds, and an old leader that wakes up can no longer write;
//! - every event is in Kafka exactly once, and positions ascend in every partition, for `read_committed`
//!   readers. That holds however the relay or Kafka ends and comes back (`publisher::writer`,
//!   `progress`);
//! - nothing is published after what a restore removed, or what another log published (`publisher::resume`);
//! - topics whose settings would break that are refused before anything is fenced or sent (`topics`). An
//!   event that Kafka refuses for good stops publishing, visibly ([`refusal`]);
//! - Kafka being down stops nothing but publishing, and [`health`] says why;
//! - an audit can check at any time whether Kafka holds what the log holds ([`audit`]).
//!
//! The relay must never decide what an event means, and never write, change or remove an event. It
//! writes to the database: positions of events ([`sequencing`]), leases and digests of the log. It also
//! records the progress of publishing (`lag`) and of the archive's copy (`archive`, a feature of the
//! build). It has the database create and drop partitions
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
