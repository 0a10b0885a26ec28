//! The relay on a real Postgres and a real Kafka.

#![allow(
    clippy::unwrap_used,
    reason = "in a test, what is unwrapped is asserted"
)]

mod audit;
mod by_hand;
mod held_back;
mod message;
mod publishing;
mod refusals;
mod relay;
mod restarts;
mod sequencing;
