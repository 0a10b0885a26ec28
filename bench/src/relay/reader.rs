//! Readers of Kafka that see committed messages only.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use event_store::envelope::Shard;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

/// Timeout of a reader that waits for the next message.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The longest wait of one poll.
const SLICE: Duration = Duration::from_millis(100);

/// The wish of a reader after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    More,
    Enough,
}

/// Reads the events' topics from their beginning to their end.
///
/// # Errors
/// When Kafka fails, or `visit` does.
pub(super) async fn read_all(
    brokers: &str,
    topics: Vec<String>,
    mut visit: impl FnMut(&BorrowedMessage<'_>) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<()> {
    let consumer = at_beginning(brokers, &topics, Shard::PARTITIONS.into())?;
    spawn_blocking(move || {
        let partitions = topics.len() * usize::try_from(Shard::PARTITIONS)?;
        let mut ended = 0;
        while ended < partitions {
            match consumer.poll(PATIENCE) {
                Some(Ok(message)) => visit(&message)?,
                Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => return Err(error).context("reading Kafka"),
                None => anyhow::bail!("Kafka does not answer"),
            }
        }
        Ok(())
    })
    .await?
}

/// Returns a consumer of messages that are sent from now on.
///
/// # Errors
/// When Kafka fails.
pub(super) async fn at_end(
    brokers: &str,
    topics: Vec<String>,
    partitions: i32,
) -> anyhow::Result<BaseConsumer> {
    let config = config(brokers);
    spawn_blocking(move || {
        let consumer: BaseConsumer = config.create()?;
        let mut list = TopicPartitionList::new();
        for topic in topics {
            for partition in 0..partitions {
                let (_, end) = consumer.fetch_watermarks(&topic, partition, PATIENCE)?;
                list.add_partition_offset(&topic, partition, Offset::Offset(end))?;
            }
        }
        consumer.assign(&list)?;
        Ok(consumer)
    })
    .await?
}

/// Returns a consumer of all messages.
///
/// # Errors
/// When Kafka refuses.
pub(super) fn at_beginning(
    brokers: &str,
    topics: &[String],
    partitions: i32,
) -> anyhow::Result<BaseConsumer> {
    let consumer: BaseConsumer = config(brokers).create()?;
    let mut list = TopicPartitionList::new();
    for topic in topics {
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
    }
    consumer.assign(&list)?;
    Ok(consumer)
}

/// Reads messages as they arrive, until `visit` has enough.
///
/// # Errors
/// When Kafka fails, `visit` does, or no message arrives for a minute.
pub(super) async fn follow(
    consumer: BaseConsumer,
    mut visit: impl FnMut(&BorrowedMessage<'_>) -> anyhow::Result<Want> + Send + 'static,
) -> anyhow::Result<()> {
    spawn_blocking(move || {
        let mut last = Instant::now();
        loop {
            match consumer.poll(SLICE) {
                Some(Ok(message)) => {
                    last = Instant::now();
                    if visit(&message)? == Want::Enough {
                        return Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) | None => {}
                Some(Err(error)) => return Err(error).context("following Kafka"),
            }
            ensure!(last.elapsed() < PATIENCE, "no message arrives any more");
        }
    })
    .await?
}

/// Returns a header as text.
///
/// # Errors
/// When the message has none.
pub(super) fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> anyhow::Result<&'a str> {
    let mut headers = message.headers().into_iter().flat_map(Headers::iter);
    let value = headers.find(|header| header.key == name);
    let value = value.and_then(|header| header.value);
    let value = value.with_context(|| format!("a message has no header {name}"))?;
    Ok(std::str::from_utf8(value)?)
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "1");
    config
}
