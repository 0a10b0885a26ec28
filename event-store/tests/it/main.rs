//! The event store on a real Postgres.

#![allow(
    clippy::disallowed_methods,
    reason = "tests are an edge: time and ids enter here"
)]

mod append;
mod audit;
mod checkpoint;
mod consumer;
mod counters;
mod crash;
mod failover;
mod group;
mod guards;
mod incarnation;
mod lock_order;
mod migrate;
mod newer_program;
mod parked_again;
mod partitions;
mod plan;
mod pool;
mod race;
mod restart;
mod schedules;
mod selection;
mod sequencer;
mod shared_log;
mod support;
mod wake;
