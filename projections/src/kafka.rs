//! Kafka as a source of recorded events: partitions by consumer group, correctness by positions.
//!
//! Three rules, each by itself, keep a consumer complete and moving:
//! - *A hole is filled from the log.* A message names the position of its event and of the event before
//!   it in the same shard. Positions ascend in every partition. So the reader knows which events it has
//!   seen already. It also knows which events a topic has lost that was deleted, truncated, or holds a
//!   message that is not ours.
//! - *A stalled shard is read from the log* (`stalled_shards`), when the log has more, and Kafka has
//!   given all it had. Kafka may be unavailable, or have lost the last events of a shard.
//! - *The log decides.* A message counts only if the log has its position as the incarnation that published
//!   it gave it ([`event_store::incarnation`]). The last message of every shard in a batch must be, byte for
//!   byte, the event that the log has at that position. A topic for which it is not is left out.
//!
//! Offsets only say where to seek, and the group only decides who reads what. A reader that holds a
//! partition too long finds its checkpoint moved, and its batch is rolled back.
//!
//! The source must never trust an offset for what was applied, and never ask the group whether it may
//! write.

mod cursor;
mod gathering;
mod group;
mod incoming;
mod reader;
mod stalled_shards;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::cloudevent::Topics;
use event_store::consume::source::{Batch, Source};
use event_store::envelope::Shard;
use event_store::error::StoreError;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use self::group::Group;
use self::reader::Reader;

/// Batches read ahead of the one that is being applied.
const AHEAD: usize = 2;

/// The timeout of a dropped source for leaving the group. Others take over at once from a member that
/// has left, and only after the session timeout from one that has not.
const GOODBYE: Duration = Duration::from_secs(1);

/// The events of some stream types, as one member of the consumer's group.
#[derive(Debug)]
pub struct KafkaSource {
    batches: mpsc::Receiver<PendingBatch>,
    shared: Arc<Shared>,
    /// The offsets of the batch that was handed out last, until the next call shows that it was applied.
    handed_out: BTreeMap<Shard, i64>,
    ended: std::sync::mpsc::Receiver<()>,
}

/// A batch from the thread that reads.
#[derive(Debug)]
struct PendingBatch {
    /// The value of [`Shared::round`] that the batch belongs to.
    round: u64,
    batch: Result<Batch, StoreError>,
}

/// The state that the source and the thread that reads share.
#[derive(Debug, Default)]
struct Shared {
    /// A number that grows whenever batches under way must not be handed out any more. The reason is
    /// that the assignment changed, or that the checkpoints have to be read again.
    round: AtomicU64,
    /// The generation of the consumer's tables that is followed; 0 before it is known.
    generation: AtomicI32,
    /// The next offsets after the applied events, to be committed to Kafka for tools that show lag.
    applied: Mutex<BTreeMap<Shard, i64>>,
}

impl KafkaSource {
    /// Joins the consumer's group and begins to read, on a thread of its own that ends with the source.
    /// Kafka need not be available yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the client refuses its settings, such as a malformed address.
    pub fn start(
        brokers: &str,
        topics: &Topics,
        pool: PgPool,
        consumer: &'static str,
        version: i32,
        types: &'static [StreamType],
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let group = Group::new(topics, types, consumer, Arc::clone(&shared));
        let refused = "the settings of the Kafka client are refused";
        let kafka: BaseConsumer<Group> = settings(brokers, &topics.group(consumer, version))
            .create_with_context(group)
            .context(refused)?;
        let names: Vec<String> = types.iter().map(|t| topics.events(*t)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        kafka.subscribe(&names).context(refused)?;
        let (sender, batches) = mpsc::channel(AHEAD);
        let reader = Reader::new(
            kafka,
            pool,
            consumer,
            Arc::clone(&shared),
            sender,
            Handle::current(),
        );
        let (alive, ended) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name(format!("kafka {consumer}"))
            .spawn(move || {
                reader.run();
                drop(alive);
            })
            .context("a thread cannot be started")?;
        Ok(Self {
            batches,
            shared,
            handed_out: BTreeMap::new(),
            ended,
        })
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        let applied = std::mem::take(&mut self.handed_out);
        self.shared
            .applied
            .lock()
            .expect("no holder panics")
            .extend(applied);
        loop {
            let Some(turn) = self.batches.recv().await else {
                return Err(StoreError::Unavailable {
                    doing: "reading Kafka",
                    source: sqlx::Error::WorkerCrashed,
                });
            };
            if turn.round != self.shared.round.load(Ordering::SeqCst) {
                continue;
            }
            let batch = turn.batch?;
            let offsets = batch.moves.iter();
            self.handed_out = offsets
                .filter_map(|m| Some((m.shard, m.kafka_offset?)))
                .collect();
            return Ok(batch);
        }
    }

    async fn rewind(&mut self, generation: i32) -> Result<(), StoreError> {
        self.handed_out.clear();
        self.shared.generation.store(generation, Ordering::SeqCst);
        // The thread reads the checkpoints; a failure comes with the next batch.
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        // Also ends a wait for room.
        self.batches.close();
        // An error says that the thread has ended, or that it takes longer: it ends all the same.
        let _ = self.ended.recv_timeout(GOODBYE);
    }
}

fn settings(brokers: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Offsets come from the checkpoints; one that Kafka does not have any more, or not yet, means
        // that the topic is another one than it was.
        .set("auto.offset.reset", "earliest")
        // All partitions are given up at every change, so that there is one way to begin.
        .set("partition.assignment.strategy", "range")
        // A killed member is missed after this time.
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "2000")
        // A member that cannot apply what it read does not poll, and loses its partitions to others,
        // which perhaps can.
        .set("max.poll.interval.ms", "60000")
        // Topics that are created, or created again, are noticed this fast.
        .set("topic.metadata.refresh.interval.ms", "2000")
        .set("reconnect.backoff.max.ms", "1000")
        // The client's default pause of a second after every full queue is the largest wait there is.
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "100");
    config
}
