//! What tests of every crate share: a Postgres database and Kafka topics of their own, recorded
//! events to work on, hostile documents, and waiting for a condition.
//!
//! It promises that tests neither meet each other nor need anything that was there before them,
//! except the servers that `./dev test` starts. It must never be a normal dependency.

pub mod events;
pub mod hostile;
pub mod kafka;
pub mod platform;
pub mod postgres;
pub mod schedules;
pub mod statements;
pub mod wait;
