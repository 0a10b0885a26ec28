//! Reads the committed messages of all partitions, one after the other, up to their current ends. All
//! calls here block, and run on a thread for that.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use domain::stream_type::StreamType;
use event_store::cloudevent::Topics;
use event_store::envelope::Shard;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc::Sender;

use crate::kafka_diagnostics::Diagnostics;
use crate::progress::Standing;
use crate::topic_tail::Tail;

/// The timeout of one request to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout of a partition that gives nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// The timeout of an open transaction: longer than Kafka keeps one of a relay that was killed.
const OPEN: Duration = Duration::from_secs(90);
/// The longest wait of one call: the poll interval for whether the receiver was dropped.
const SLICE: Duration = Duration::from_millis(250);
/// The most messages, and bytes of values, in one batch.
const MESSAGES: usize = 500;
const BYTES: usize = 4 * 1024 * 1024;

/// Messages of one partition, in order.
pub(super) struct Batch {
    pub(super) shard: Shard,
    pub(super) messages: Vec<OwnedMessage>,
}

/// Reads the topics of events.
pub(super) struct Reader {
    config: ClientConfig,
    topics: Topics,
    committed: BaseConsumer<Diagnostics>,
    /// The consumer that sees open transactions too, for the ends of partitions.
    any: BaseConsumer<Diagnostics>,
}

impl Reader {
    /// Connects to Kafka.
    ///
    /// # Errors
    /// When Kafka does not answer, or the topics are missing or have other numbers of partitions than
    /// ours.
    pub(super) fn new(
        brokers: &str,
        topics: Topics,
        names: BTreeMap<StreamType, String>,
    ) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            // Never used for a group: partitions are assigned by hand, and nothing is committed.
            .set("group.id", "clustergenie-audit")
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true")
            .set("fetch.wait.max.ms", "50")
            .set("queued.max.messages.kbytes", "16384");
        let consumer = |isolation: &str| {
            let mut config = config.clone();
            config.set("isolation.level", isolation);
            let consumer = config.create_with_context(Diagnostics::default());
            consumer.context("the settings of the Kafka client are refused")
        };
        let mut reader = Self {
            committed: consumer("read_committed")?,
            any: consumer("read_uncommitted")?,
            config,
            topics,
        };
        reader.find_topics(names)?;
        Ok(reader)
    }

    /// Returns the progress of the publisher, if it ever published.
    pub(super) fn standing(&self) -> anyhow::Result<Option<Standing>> {
        Standing::read(&Tail::new(self.config.clone())?, &self.topics)
    }

    /// Sends the messages that are committed before the current ends, partition by partition. Stops when
    /// the receiver is dropped.
    pub(super) fn read(&self, batches: &Sender<Batch>) -> anyhow::Result<()> {
        let mut ends = Vec::new();
        let types: Vec<_> = self.topics.known().collect();
        for shard in Shard::all(&types) {
            let topic = self.topics.events(shard.stream_type());
            let end = end_of(&self.any, &topic, partition(shard))?;
            ends.push((shard, topic, end));
        }
        for (shard, topic, end) in ends {
            self.await_transactions(&topic, partition(shard), end, batches)?;
            self.read_partition(&topic, shard, end, batches)?;
            if batches.is_closed() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits until no transaction before an end is open, or the receiver is dropped.
    fn await_transactions(
        &self,
        topic: &str,
        partition: i32,
        end: i64,
        batches: &Sender<Batch>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        while end_of(&self.committed, topic, partition)? < end && !batches.is_closed() {
            ensure!(
                started.elapsed() < OPEN,
                "a transaction on {topic}/{partition} stays open: what is committed cannot be told"
            );
        }
        Ok(())
    }

    fn read_partition(
        &self,
        topic: &str,
        shard: Shard,
        end: i64,
        batches: &Sender<Batch>,
    ) -> anyhow::Result<()> {
        let doing = || format!("{topic}/{} cannot be read", partition(shard));
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(topic, partition(shard), Offset::Beginning)
            .and_then(|()| self.committed.assign(&partitions))
            .with_context(doing)?;
        let (mut messages, mut bytes) = (Vec::new(), 0);
        let mut heard = Instant::now();
        let send =
            |messages: Vec<OwnedMessage>| batches.blocking_send(Batch { shard, messages }).is_ok();
        while !batches.is_closed() {
            match self.committed.poll(SLICE) {
                Some(Ok(message)) if message.offset() < end => {
                    heard = Instant::now();
                    bytes += message.payload_len();
                    messages.push(message.detach());
                }
                Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => {
                    send(messages);
                    return Ok(());
                }
                Some(Err(error)) => return Err(error).with_context(doing),
                None => ensure!(heard.elapsed() < SILENCE, "{}: no answer", doing()),
            }
            if messages.len() >= MESSAGES || bytes >= BYTES {
                bytes = 0;
                if !send(std::mem::take(&mut messages)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Checks the topics of this program's stream types, and learns those of newer programs that exist.
    /// The relay creates the others when it next starts, or when the first event comes. Asks for all
    /// topics, because asking for one by name may create it.
    fn find_topics(&mut self, names: BTreeMap<StreamType, String>) -> anyhow::Result<()> {
        let metadata = self
            .any
            .fetch_metadata(None, REQUEST_TIMEOUT)
            .context("Kafka does not answer: check --kafka")?;
        let events = StreamType::known()
            .iter()
            .map(|of| (self.topics.events(*of), Shard::PARTITIONS));
        for (topic, partitions) in events.into_iter().chain([(self.topics.progress(), 1)]) {
            let found = metadata.topics().iter().find(|t| t.name() == topic);
            let found = found.map_or(0, |found| found.partitions().len());
            ensure!(
                found > 0,
                "there is no topic `{topic}`: check --kafka-prefix, and whether a relay runs, which \
                 makes it"
            );
            ensure!(
                i16::try_from(found) == Ok(partitions),
                "the topic `{topic}` has {found} partitions and must have {partitions}"
            );
        }
        let mut all = self.topics.clone();
        all.learn(names.clone());
        let exists = |topic: String| metadata.topics().iter().any(|t| t.name() == topic);
        let existing = names.into_iter().filter(|(of, _)| exists(all.events(*of)));
        self.topics.learn(existing);
        Ok(())
    }
}

fn partition(shard: Shard) -> i32 {
    i32::from(shard.partition())
}

fn end_of(
    consumer: &BaseConsumer<Diagnostics>,
    topic: &str,
    partition: i32,
) -> anyhow::Result<i64> {
    let ends = consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT);
    let (_, end) =
        ends.with_context(|| format!("the end of {topic}/{partition} cannot be read"))?;
    Ok(end)
}
