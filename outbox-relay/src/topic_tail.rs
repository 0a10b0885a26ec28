//! Reads the last committed message of a partition.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::OwnedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::kafka_diagnostics::Diagnostics;

/// The distance between the end and the beginning of the first look, in offsets. Markers and aborted
/// messages take offsets too, so the last committed message may be further away; then the next look
/// begins further back.
const FIRST_LOOK: i64 = 64;
const WIDENING: i64 = 16;
/// The timeout of one look.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads ends of partitions.
pub(crate) struct Tail {
    consumer: BaseConsumer<Diagnostics>,
}

impl Tail {
    /// Makes a reader with the given address and security settings.
    pub(crate) fn new(mut config: ClientConfig) -> anyhow::Result<Self> {
        let consumer = config
            // Never used for a group: partitions are assigned by hand, and nothing is committed.
            .set("group.id", "clustergenie-relay-tail")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "20")
            .create_with_context(Diagnostics::default())
            .context("the settings of the Kafka client are refused")?;
        Ok(Self { consumer })
    }

    /// Returns the last committed message of a partition, if there is any. Blocks.
    pub(crate) fn last(&self, topic: &str, partition: i32) -> anyhow::Result<Option<OwnedMessage>> {
        let (low, high) = self
            .consumer
            .fetch_watermarks(topic, partition, PATIENCE)
            .with_context(|| format!("the ends of {topic}/{partition} cannot be read"))?;
        let mut distance = FIRST_LOOK;
        loop {
            let start = low.max(high - distance);
            let last = self.last_from(topic, partition, start)?;
            if last.is_some() || start == low {
                return Ok(last);
            }
            distance *= WIDENING;
        }
    }

    fn last_from(
        &self,
        topic: &str,
        partition: i32,
        start: i64,
    ) -> anyhow::Result<Option<OwnedMessage>> {
        let doing = || format!("the end of {topic}/{partition} cannot be read");
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(topic, partition, Offset::Offset(start))
            .and_then(|()| self.consumer.assign(&partitions))
            .with_context(doing)?;
        let started = Instant::now();
        let mut last = None;
        loop {
            ensure!(started.elapsed() < PATIENCE, doing());
            match self.consumer.poll(PATIENCE) {
                Some(Ok(message)) => last = Some(message.detach()),
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(last),
                Some(Err(error)) => return Err(error).with_context(doing),
                None => {}
            }
        }
    }
}
