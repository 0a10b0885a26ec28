//! Shared parts of tests: a Postgres database and Kafka topics for each test, recorded events, free ports, hostile
//! documents, and waiting for a condition.
//!
//! Tests do not influence each other, and need nothing but the servers that `./dev test` starts. This crate
//! must never be a normal dependency.

pub mod events;
pub mod hostile;
pub mod kafka;
pub mod platform;
pub mod port;
pub mod postgres;
pub mod restore;
pub mod schedules;
pub mod statements;
pub mod wait;
