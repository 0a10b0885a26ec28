//! The consumer's group: the shards that are ours for now.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::stream_type::StreamType;
use event_store::cloudevent::Topics;
use event_store::envelope::Shard;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::Shared;

/// The least time between two warnings that Kafka cannot be read.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

/// Receives rebalances, and only notes the assigned shards. The reader then reads from Postgres where to
/// begin, and begins there.
pub(super) struct Group {
    consumer: &'static str,
    types: &'static [StreamType],
    topics: Vec<(String, StreamType)>,
    assigned: Mutex<Vec<Shard>>,
    shared: Arc<Shared>,
    complained: Mutex<Option<Instant>>,
}

impl Group {
    pub(super) fn new(
        topics: &Topics,
        types: &'static [StreamType],
        consumer: &'static str,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            consumer,
            types,
            topics: types.iter().map(|t| (topics.events(*t), *t)).collect(),
            assigned: Mutex::default(),
            shared,
            complained: Mutex::default(),
        }
    }

    /// The shards that are ours.
    pub(super) fn assigned(&self) -> Vec<Shard> {
        self.assigned.lock().expect("no holder panics").clone()
    }

    /// The types of streams whose topics are ours.
    pub(super) fn types(&self) -> &[StreamType] {
        self.types
    }

    /// The shard of a partition of one of our topics.
    pub(super) fn shard(&self, topic: &str, partition: i32) -> Option<Shard> {
        let (_, stream_type) = self.topics.iter().find(|(name, _)| name == topic)?;
        let partition = i16::try_from(partition).ok()?;
        (0..Shard::PARTITIONS)
            .contains(&partition)
            .then(|| Shard::new(*stream_type, partition))
    }

    /// The topic of a shard.
    pub(super) fn topic(&self, shard: Shard) -> Option<&str> {
        let mut topics = self.topics.iter();
        let (name, _) = topics.find(|(_, t)| *t == shard.stream_type())?;
        Some(name)
    }

    /// Logs a complaint, at most once in `COMPLAIN_EVERY`: the client complains at every attempt, and
    /// twice.
    pub(super) fn complain(&self, complaint: &str) {
        let mut last = self.complained.lock().expect("no holder panics");
        if last.is_none_or(|last| last.elapsed() > COMPLAIN_EVERY) {
            tracing::warn!(
                consumer = self.consumer,
                complaint,
                "Kafka cannot be read; reading is retried"
            );
            *last = Some(Instant::now());
        }
    }

    fn shards(&self, partitions: &TopicPartitionList) -> Vec<Shard> {
        let partitions = partitions.elements();
        let shards = partitions
            .iter()
            .filter_map(|p| self.shard(p.topic(), p.partition()));
        shards.collect()
    }
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assigned = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS if partitions.count() > 0 => {
                self.shards(partitions)
            }
            _ => {
                // Kafka waits for this answer, before it gives the partitions to others.
                if let Err(error) = consumer.unassign() {
                    tracing::warn!(consumer = self.consumer, %error, "cannot give partitions up");
                }
                Vec::new()
            }
        };
        tracing::info!(
            consumer = self.consumer,
            shards = assigned.len(),
            "partitions changed hands"
        );
        *self.assigned.lock().expect("no holder panics") = assigned;
        self.shared.round.fetch_add(1, Ordering::SeqCst);
    }
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "kafka client");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.complain(&format!("{error}: {reason}"));
    }
}
