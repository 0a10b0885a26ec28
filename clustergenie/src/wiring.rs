//! The parts of processes, each started in the task set at its stage.
//!
//! `up` has all of them; each process of a distributed installation has some. The module `processes` decides
//! which.

pub(crate) mod commands;
pub(crate) mod consumers;
pub(crate) mod hints;
pub(crate) mod http;
pub(crate) mod pools;
pub(crate) mod process_managers;
pub(crate) mod queries;
pub(crate) mod relay;

use event_store::cloudevent::Topics;

use crate::config::Kafka;

/// The brokers of a Kafka, and the installation's topics in it.
#[derive(Clone, Debug)]
pub(crate) struct Brokers {
    pub(crate) addresses: String,
    pub(crate) topics: Topics,
}

impl From<Kafka> for Brokers {
    fn from(kafka: Kafka) -> Self {
        Self {
            addresses: kafka.brokers,
            topics: Topics::new(kafka.topics.prefix),
        }
    }
}

/// A unique name for this process as the holder of a lease.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge: here ids enter the program"
)]
fn unique_owner() -> String {
    format!("{}-{}", std::process::id(), uuid::Uuid::now_v7())
}
