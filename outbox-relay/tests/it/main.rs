//! The relay on a real Postgres and a real Kafka.

#![allow(
    clippy::unwrap_used,
    reason = "in a test, what is unwrapped is asserted"
)]

mod audit;
mod broker;
mod brokers;
mod by_hand;
mod message;
mod model;
mod proxy;
mod publishing;
mod refusals;
mod relay;
mod restarts;
mod restored;
mod sequencing;
mod unreadable;
