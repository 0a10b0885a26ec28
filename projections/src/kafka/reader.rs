//! The thread that reads Kafka for one source. It may block: nothing else runs on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use event_store::consume::source::Batch;
use event_store::envelope::{Positioned, Shard, StoredEvent};
use event_store::error::StoreError;
use event_store::incarnation::{Incarnations, Lineage};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::cursor::{Cursor, Origin, Step};
use super::gathering::Gathering;
use super::group::Group;
use super::incoming::Incoming;
use super::stalled_shards::StalledShards;
use super::{PendingBatch, Shared};

mod from_log;

/// The most events in one batch, and in one read of the log.
const BATCH: usize = 1_000;
/// The longest wait for a message: the poll interval of everything else.
const PATIENCE: Duration = Duration::from_millis(100);
/// Poll interval for stalled shards.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// The interval between commits of applied offsets to Kafka.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// The state of the thread.
pub(super) struct Reader {
    kafka: BaseConsumer<Group>,
    pool: PgPool,
    incarnations: Incarnations,
    consumer: &'static str,
    shared: Arc<Shared>,
    batches: mpsc::Sender<PendingBatch>,
    runtime: Handle,
    /// The incarnations of the log as they were when the cursors were set; `None` before.
    lineage: Option<Arc<Lineage>>,
    /// The round in which the cursors were set; 0 is before the first.
    round: u64,
    /// The generation of the consumer's tables whose checkpoints the cursors come from.
    generation: i32,
    cursors: BTreeMap<Shard, Cursor>,
    gathering: Gathering,
    stalled: StalledShards,
    last_look: Instant,
    last_told: Instant,
}

/// The supply of messages in Kafka beyond those of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Supply {
    /// Kafka may have more: messages that a shard waits for may be queued behind those of others.
    More,
    /// Kafka had no more: a message that did not come was not on its way.
    Drained,
}

impl Reader {
    pub(super) fn new(
        kafka: BaseConsumer<Group>,
        pool: PgPool,
        consumer: &'static str,
        shared: Arc<Shared>,
        batches: mpsc::Sender<PendingBatch>,
        runtime: Handle,
    ) -> Self {
        Self {
            kafka,
            incarnations: Incarnations::of(pool.clone()),
            pool,
            consumer,
            shared,
            batches,
            runtime,
            lineage: None,
            round: 0,
            generation: 0,
            cursors: BTreeMap::new(),
            gathering: Gathering::default(),
            stalled: StalledShards::default(),
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

    /// Gathers a batch and hands it out, then does the periodic work that is due.
    fn turn(&mut self) -> Result<(), StoreError> {
        let round = self.shared.round.load(Ordering::SeqCst);
        if round != self.round {
            // Set first, so that an error of `begin` is not taken for one of an earlier round.
            self.round = round;
            self.generation = self.shared.generation.load(Ordering::SeqCst);
            self.begin()?;
        }
        let supply = self.gather()?;
        self.hand_out()?;
        // From a foreign topic nothing is waited for.
        let is_foreign = |cursor: &Cursor| cursor.origin == Origin::Foreign;
        let may_look = supply == Supply::Drained || self.cursors.values().any(is_foreign);
        if may_look && self.last_look.elapsed() > LOOK_INTERVAL {
            self.fill_stalled()?;
            // Not before, because that may take longer than the time between two looks.
            self.last_look = Instant::now();
        }
        if self.last_told.elapsed() > TELL_EVERY {
            self.last_told = Instant::now();
            self.tell_what_was_applied();
        }
        Ok(())
    }

    /// Gathers what Kafka has, as much as goes into a batch; waits for the first message only.
    fn gather(&mut self) -> Result<Supply, StoreError> {
        let mut wait = PATIENCE;
        let mut had_nothing = false;
        while self.gathering.len() < BATCH {
            // Not through `self`, which the message would hold on to.
            let kafka = &self.kafka;
            let message = match kafka.poll(wait) {
                Some(Ok(message)) => Incoming::of(&message, kafka.context()),
                Some(Err(error)) => {
                    kafka.context().complain(&error.to_string());
                    None
                }
                None if had_nothing => return Ok(Supply::Drained),
                // A callback of a commit or of a rebalance, too, makes `poll` return without a message.
                None => {
                    had_nothing = true;
                    wait = Duration::ZERO;
                    continue;
                }
            };
            if let Some(message) = message {
                self.take_in(message)?;
            }
            had_nothing = false;
            // Never wait for more once there is some.
            wait = Duration::ZERO;
        }
        Ok(Supply::More)
    }

    /// Sets the cursors of the assigned shards to their checkpoints, and lets Kafka begin there.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.gathering = Gathering::default();
        self.cursors.clear();
        // Kafka has some time to give what it has.
        self.stalled = StalledShards::default();
        self.last_look = Instant::now();
        let shards = self.kafka.context().assigned();
        if shards.is_empty() || self.generation == 0 {
            return Ok(());
        }
        // Before the checkpoints: of another incarnation, they lead to an error, and back here.
        self.lineage = Some(self.runtime.block_on(self.current_lineage())?);
        let checkpoints = self.checkpoints(&shards)?;
        let offsets = checkpoints.iter().map(|(s, c)| (*s, c.kafka_offset));
        let partitions = self.partitions(offsets);
        if let Err(error) = self.kafka.assign(&partitions) {
            return Err(StoreError::Unavailable {
                doing: "taking partitions",
                source: sqlx::Error::Protocol(error.to_string()),
            });
        }
        let cursors = checkpoints.into_iter();
        self.cursors = cursors.map(|(s, c)| (s, Cursor::at(c.position))).collect();
        Ok(())
    }

    async fn current_lineage(&self) -> Result<Arc<Lineage>, StoreError> {
        match &self.lineage {
            // Asks if it is still current, because a batch may have failed for that.
            Some(before) => self.incarnations.after(before.current().id).await,
            None => self.incarnations.known().await,
        }
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
        let Some(cursor) = self.cursors.get(&shard).copied() else {
            return Ok(());
        };
        let received = match received {
            Ok(received) => received,
            // If an event is missing because of it, the next message shows that.
            Err(error) => {
                tracing::warn!(%shard, offset, %error, "a message is not ours; it is left out");
                return Ok(());
            }
        };
        if cursor.origin == Origin::Foreign {
            return Ok(());
        }
        match cursor.step(&received) {
            Step::Skip => return Ok(()),
            // If an event is missing because of it, the next message shows that, or the shard stalls.
            Step::Take | Step::FillUpTo(_) if !self.is_kept(&received)? => return Ok(()),
            Step::Take => {}
            Step::FillUpTo(previous) => {
                self.fill(shard, previous)?;
                // What was read may have been handed out meanwhile, and the topic found to be foreign.
                let cursor = self.cursors.get(&shard);
                if !self.is_current() || cursor.is_none_or(|c| c.origin != Origin::Ours) {
                    return Ok(());
                }
            }
        }
        self.add(shard, received.event, Some(offset + 1));
        Ok(())
    }

    fn add(&mut self, shard: Shard, event: Positioned<StoredEvent>, kafka_offset: Option<i64>) {
        if let Some(cursor) = self.cursors.get_mut(&shard) {
            let from = std::mem::replace(&mut cursor.position, event.position);
            self.gathering.add(from, event, kafka_offset);
        }
    }

    /// True if the source still wants the events that are being read.
    fn is_current(&self) -> bool {
        !self.batches.is_closed() && self.shared.round.load(Ordering::SeqCst) == self.round
    }

    /// Hands out the gathered batch, waiting until there is room. A shard's events from Kafka are left
    /// out if the log does not have the last of them. Then the shard goes back to its position before
    /// them, and is read from the log.
    fn hand_out(&mut self) -> Result<(), StoreError> {
        for shard in self.refuted(self.gathering.claims())? {
            let stood = self.gathering.leave_out(shard);
            if let (Some(cursor), Some(stood)) = (self.cursors.get_mut(&shard), stood) {
                cursor.position = stood;
                cursor.origin = Origin::Foreign;
            }
        }
        let incarnation = self.lineage.as_ref().map(|lineage| lineage.current().id);
        if let Some(batch) = self.gathering.take(self.generation, incarnation) {
            self.send(Ok(batch));
        }
        Ok(())
    }

    /// Hands out an error. Events after it would leave a hole, so the reader starts over.
    fn hand_out_error(&mut self, error: StoreError) {
        self.gathering = Gathering::default();
        self.cursors.clear();
        self.send(Err(error));
    }

    fn send(&self, batch: Result<Batch, StoreError>) {
        let round = self.round;
        let turn = PendingBatch { round, batch };
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
            tracing::debug!(consumer = self.consumer, %error, "offsets were not committed");
        }
    }
}
