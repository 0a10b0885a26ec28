//! The relay on a real Postgres and a real Kafka.

mod message;
mod publishing;
mod refusals;
mod relay;
mod restarts;
mod sequencing;
