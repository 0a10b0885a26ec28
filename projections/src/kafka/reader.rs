//! The thread that reads Kafka for one source. It may block: nothing else runs on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use event_store::checkpoint;
use event_store::cloudevent::{self, Received};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::error::{CodecError, StoreError};
use event_store::log;
use event_store::source::{Batch, ConsumerId};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::cursor::{Cursor, Origin, Step};
use super::gathering::Gathering;
use super::group::Group;
use super::{Shared, Turn};

/// Events at most in one batch, and read from the log at once.
const BATCH: usize = 1_000;
/// How long to wait for a message at most: other things are looked at this often.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often to look whether the log is ahead of Kafka.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often Kafka is told what was applied.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What the thread holds.
pub(super) struct Reader {
    kafka: BaseConsumer<Group>,
    pool: PgPool,
    consumer: ConsumerId,
    shared: Arc<Shared>,
    batches: mpsc::Sender<Turn>,
    runtime: Handle,
    /// As of which generation the cursors were set; 0 is before the first.
    generation: u64,
    cursors: BTreeMap<Shard, Cursor>,
    gathering: Gathering,
    last_look: Instant,
    last_told: Instant,
}

impl Reader {
    pub(super) fn new(
        kafka: BaseConsumer<Group>,
        pool: PgPool,
        consumer: ConsumerId,
        shared: Arc<Shared>,
        batches: mpsc::Sender<Turn>,
        runtime: Handle,
    ) -> Self {
        Self {
            kafka,
            pool,
            consumer,
            shared,
            batches,
            runtime,
            generation: 0,
            cursors: BTreeMap::new(),
            gathering: Gathering::default(),
            last_look: Instant::now(),
            last_told: Instant::now(),
        }
    }

    /// Reads until the source is dropped.
    pub(super) fn run(mut self) {
        while !self.batches.is_closed() {
            if let Err(error) = self.turn() {
                self.hand_out_error(error);
            }
        }
    }

    /// Reads what there is; hands out what came of it.
    fn turn(&mut self) -> Result<(), StoreError> {
        let generation = self.shared.generation.load(Ordering::SeqCst);
        if generation != self.generation {
            // First of all, so that an error of the beginning is not taken for one of the past.
            self.generation = generation;
            self.begin()?;
        }
        let mut wait = PATIENCE;
        while self.gathering.len() < BATCH {
            // Not through `self`, which the message would hold on to.
            let kafka = &self.kafka;
            let message = match kafka.poll(wait) {
                Some(Ok(message)) => Incoming::of(&message, kafka.context()),
                Some(Err(error)) => {
                    kafka.context().complain(error.to_string());
                    None
                }
                None => break,
            };
            if let Some(message) = message {
                self.take_in(message)?;
            }
            // Never wait for more once there is some.
            wait = Duration::ZERO;
        }
        self.hand_out();
        if self.last_look.elapsed() > LOOK_EVERY {
            self.last_look = Instant::now();
            self.fill_what_is_overdue()?;
        }
        if self.last_told.elapsed() > TELL_EVERY {
            self.last_told = Instant::now();
            self.tell_what_was_applied();
        }
        Ok(())
    }

    /// Sets the cursors of the assigned shards to their checkpoints, and lets Kafka begin there.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.gathering.take();
        self.cursors.clear();
        let shards = self.kafka.context().assigned();
        if shards.is_empty() {
            return Ok(());
        }
        let load = checkpoint::load(&self.pool, self.consumer, &shards);
        let checkpoints = self.runtime.block_on(load)?;
        let offsets = checkpoints.iter().map(|(s, c)| (*s, c.kafka_offset));
        let partitions = self.partitions(offsets);
        if let Err(error) = self.kafka.assign(&partitions) {
            return Err(StoreError::Unavailable {
                doing: "taking partitions",
                source: sqlx::Error::Protocol(error.to_string()),
            });
        }
        let cursors = checkpoints.into_iter();
        self.cursors = cursors.map(|(s, c)| (s, Cursor::at(c))).collect();
        self.last_look = Instant::now();
        Ok(())
    }

    fn partitions(
        &self,
        offsets: impl Iterator<Item = (Shard, Option<i64>)>,
    ) -> TopicPartitionList {
        let mut partitions = TopicPartitionList::new();
        for (shard, offset) in offsets {
            let Some(topic) = self.kafka.context().topic(shard) else {
                continue;
            };
            let offset = offset.map_or(Offset::Beginning, Offset::Offset);
            let partition = i32::from(shard.partition());
            if let Err(error) = partitions.add_partition_offset(topic, partition, offset) {
                tracing::warn!(%shard, %error, "a partition has no place to begin");
            }
        }
        partitions
    }

    fn take_in(&mut self, message: Incoming) -> Result<(), StoreError> {
        let Incoming {
            shard,
            offset,
            received,
        } = message;
        let Some(mut cursor) = self.cursors.get(&shard).copied() else {
            return Ok(());
        };
        let received = match received {
            Ok(received) if received.event.event.stream.shard() == shard => received,
            // If an event is missing because of it, the next message shows that.
            Ok(_) => {
                tracing::warn!(%shard, offset, "a message is in the wrong partition; it is left out");
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(%shard, offset, %error, "a message is not ours; it is left out");
                return Ok(());
            }
        };
        if cursor.origin == Origin::Unknown {
            cursor.origin = self.origin(shard, &received)?;
            self.cursors.insert(shard, cursor);
        }
        if cursor.origin == Origin::Foreign {
            return Ok(());
        }
        match cursor.step(&received) {
            Step::Skip => return Ok(()),
            Step::Take => {}
            Step::FillUpTo(previous) => self.fill(shard, previous)?,
        }
        self.add(shard, received.event, Some(offset + 1));
        Ok(())
    }

    /// Looks whether the log has the event where the message says.
    fn origin(&self, shard: Shard, received: &Received) -> Result<Origin, StoreError> {
        let position = received.event.position;
        let before = Position(position.0 - 1);
        let read = log::read_shard(&self.pool, shard, before, position, 1);
        let here = self.runtime.block_on(read)?;
        if here.first().map(|e| e.event.event_id) == Some(received.event.event.event_id) {
            return Ok(Origin::Ours);
        }
        tracing::error!(
            consumer = self.consumer.name,
            %shard,
            position = position.0,
            "the topic holds the events of another log; they are left out, and this log is read instead"
        );
        Ok(Origin::Foreign)
    }

    /// Reads from the log what Kafka does not have.
    fn fill(&mut self, shard: Shard, up_to: Position) -> Result<(), StoreError> {
        loop {
            let Some(cursor) = self.cursors.get(&shard) else {
                return Ok(());
            };
            let limit = i64::try_from(BATCH).expect("a batch is small");
            let read = log::read_shard(&self.pool, shard, cursor.position, up_to, limit);
            let events = self.runtime.block_on(read)?;
            let more = events.len() == BATCH && self.is_current();
            metrics::counter!(
                "clustergenie_kafka_filled_events_total", "consumer" => self.consumer.name
            )
            .increment(events.len() as u64);
            for event in events {
                self.add(shard, event, None);
            }
            if !more {
                return Ok(());
            }
            self.hand_out();
        }
    }

    /// Reads from the log what has been there for a while and did not come: Kafka lost it, or the relay
    /// does not get through. If it comes later, it will be known.
    fn fill_what_is_overdue(&mut self) -> Result<(), StoreError> {
        if self.cursors.is_empty() {
            return Ok(());
        }
        let heads = log::shard_heads(&self.pool, Position(i64::MAX));
        for (shard, head) in self.runtime.block_on(heads)? {
            let cursor = self.cursors.get_mut(&shard);
            if let Some(up_to) = cursor.and_then(|c| c.overdue(head)) {
                tracing::warn!(
                    consumer = self.consumer.name,
                    %shard,
                    position = up_to.0,
                    "events did not come through Kafka and are read from the log"
                );
                self.fill(shard, up_to)?;
            }
        }
        self.hand_out();
        Ok(())
    }

    fn add(&mut self, shard: Shard, event: Positioned<StoredEvent>, kafka_offset: Option<i64>) {
        if let Some(cursor) = self.cursors.get_mut(&shard) {
            let from = std::mem::replace(&mut cursor.position, event.position);
            self.gathering.add(from, event, kafka_offset);
        }
    }

    /// Whether anybody still wants what is being read.
    fn is_current(&self) -> bool {
        !self.batches.is_closed()
            && self.shared.generation.load(Ordering::SeqCst) == self.generation
    }

    /// Gives what was gathered, waiting until there is room.
    fn hand_out(&mut self) {
        if let Some(batch) = self.gathering.take() {
            self.send(Ok(batch));
        }
    }

    /// Gives an error. What follows it would leave a hole, so the reader begins anew.
    fn hand_out_error(&mut self, error: StoreError) {
        self.gathering.take();
        self.cursors.clear();
        self.send(Err(error));
    }

    fn send(&self, batch: Result<Batch, StoreError>) {
        let generation = self.generation;
        let turn = Turn { generation, batch };
        // An error says that the source is gone; the thread notices next.
        let _ = self.batches.blocking_send(turn);
    }

    fn tell_what_was_applied(&self) {
        let applied = std::mem::take(&mut *self.shared.applied.lock().expect("no holder panics"));
        let ours = applied
            .into_iter()
            .filter(|(shard, _)| self.cursors.contains_key(shard));
        let partitions = self.partitions(ours.map(|(shard, offset)| (shard, Some(offset))));
        if partitions.count() > 0
            && let Err(error) = self.kafka.commit(&partitions, CommitMode::Async)
        {
            tracing::debug!(consumer = self.consumer.name, %error, "offsets were not committed");
        }
    }
}

/// A message of one of our shards.
struct Incoming {
    shard: Shard,
    offset: i64,
    received: Result<Received, CodecError>,
}

impl Incoming {
    fn of(message: &BorrowedMessage<'_>, group: &Group) -> Option<Self> {
        let shard = group.shard(message.topic(), message.partition())?;
        let headers: HashMap<&str, &str> = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .filter_map(|header| Some((header.key, std::str::from_utf8(header.value?).ok()?)))
            .collect();
        let received = match message.payload().map(std::str::from_utf8) {
            Some(Ok(value)) => cloudevent::decode(shard, &headers, value),
            _ => Err(CodecError::Message("the message has no text".to_owned())),
        };
        let offset = message.offset();
        Some(Self {
            shard,
            offset,
            received,
        })
    }
}
