//! Sources of recorded events. A consumer is written once, and has two sources: the log (here) and Kafka
//! (in `projections`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::stream_type::StreamType;

use crate::consume::checkpoint::{self, Move};
use crate::consume::shared_log::{PAGE, SharedLog};
use crate::consume::wake::Signal;
use crate::envelope::{Position, Positioned, Shard, StoredEvent};
use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// The events by which the checkpoint of a shard without events may be behind what was read.
const IDLE_LAG: i64 = PAGE as i64;

/// The next events, and the moves of the checkpoints when they are applied.
#[derive(Debug, Default)]
pub struct Batch {
    /// The generation whose tables are to be written.
    pub generation: i32,
    /// The incarnation of the log that the events were read in: in another one, nothing is applied. `None` where what
    /// was written is compared with the log before it is of use.
    pub incarnation: Option<IncarnationId>,
    /// The events, in position order within each shard; none of them was applied before.
    pub events: Vec<Arc<Positioned<StoredEvent>>>,
    /// The moves of the checkpoints, to be committed together with the rows.
    pub moves: Vec<Move>,
    /// True if the source has more events already, as far as it knows.
    pub has_more: bool,
}

/// A generation of a consumer, to which checkpoints and parked streams belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerId {
    /// The name of the consumer, such as `droplets`.
    pub name: &'static str,
    /// The number of the generation ([`crate::consume::generation`]).
    pub generation: i32,
}

/// A source of recorded events: in the order of each stream, none left out.
#[async_trait]
pub trait Source: Send {
    /// Waits for the next batch. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the source or Postgres fails. Call [`Source::rewind`] before the next call.
    async fn next(&mut self) -> Result<Batch, StoreError>;

    /// Goes to the stored checkpoints of a generation. Must be called before the first batch, and when a
    /// batch was not committed.
    ///
    /// # Errors
    /// When Postgres fails.
    async fn rewind(&mut self, generation: i32) -> Result<(), StoreError>;
}

/// The log as a source of one consumer. Two processes that run it at once do no harm: the checkpoints fence
/// the slower one.
#[derive(Debug)]
pub struct LogSource {
    log: SharedLog,
    consumer: &'static str,
    shards: Vec<Shard>,
    sequenced: Signal,
    patience: Duration,
    generation: i32,
    /// The incarnation of the log that the checkpoints were read in.
    incarnation: Option<IncarnationId>,
    /// The checkpoints as they are stored; empty until they were read.
    checkpoints: BTreeMap<Shard, Position>,
    /// The position up to which the log was read. Of each shard, nothing is left between its checkpoint and here.
    read: Position,
    /// True if the log may have more, as far as the last read showed.
    has_more: bool,
}

impl LogSource {
    /// Returns a source of the events of the given types for a consumer. Sources that are given clones of
    /// one [`SharedLog`] share its reads. `patience` is the time for which the source waits for the signal
    /// before it reads without one.
    #[must_use]
    pub fn new(
        log: impl Into<SharedLog>,
        consumer: &'static str,
        types: &[StreamType],
        sequenced: Signal,
        patience: Duration,
    ) -> Self {
        Self {
            log: log.into(),
            consumer,
            shards: Shard::all(types),
            sequenced,
            patience,
            generation: 0,
            incarnation: None,
            checkpoints: BTreeMap::new(),
            read: Position::default(),
            has_more: true,
        }
    }

    /// Returns the events of a read that were not applied yet, with the moves of the checkpoints up to its
    /// end. Events of shards that the consumer does not want are left out, also of types that this program
    /// does not know.
    ///
    /// The checkpoint of a shard without events in the read moves only when it is more than [`IDLE_LAG`] behind.
    /// So a batch costs what its events cost, and a restart reads little twice.
    ///
    /// Two workers of a consumer still apply each event once, in order. To apply an event, both must move the
    /// checkpoint of its shard from the same place, and the second one fails. A worker that reads on past events of
    /// the other one has not applied them: it finds the checkpoint of their shard moved, whether it applies them or a
    /// later one.
    fn batch(&mut self, read: Vec<Arc<Positioned<StoredEvent>>>, end: Position) -> Batch {
        let mut moves = Vec::new();
        // Checkpoints differ by shard: those of idle shards stay behind.
        let is_next = |e: &Arc<Positioned<StoredEvent>>| {
            let checkpoint = self.checkpoints.get(&e.event.stream.shard());
            checkpoint.is_some_and(|checkpoint| *checkpoint < e.position)
        };
        let events: Vec<_> = read.into_iter().filter(is_next).collect();
        let written: BTreeSet<Shard> = events.iter().map(|e| e.event.stream.shard()).collect();
        for (shard, checkpoint) in &mut self.checkpoints {
            if written.contains(shard) || end.0 - checkpoint.0 > IDLE_LAG {
                moves.push(Move {
                    shard: *shard,
                    from: *checkpoint,
                    to: end,
                    kafka_offset: None,
                });
                *checkpoint = end;
            }
        }
        Batch {
            generation: self.generation,
            incarnation: self.incarnation,
            events,
            moves,
            has_more: self.has_more,
        }
    }
}

#[async_trait]
impl Source for LogSource {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        loop {
            let after = self.read;
            if !self.has_more {
                self.sequenced.above(after.0, self.patience).await;
            }
            let incarnation = match self.incarnation {
                Some(incarnation) => incarnation,
                None => self.log.incarnation().await?,
            };
            let read = self.log.read(incarnation, after, PAGE).await?;
            self.has_more = read.has_more;
            if let Some(end) = read.events.last().map(|last| last.position) {
                let batch = self.batch(read.events, end);
                self.read = end;
                if !batch.moves.is_empty() {
                    return Ok(batch);
                }
            }
        }
    }

    async fn rewind(&mut self, generation: i32) -> Result<(), StoreError> {
        self.log.forget();
        // Before the checkpoints: of another incarnation, they lead to an error, and back here.
        self.incarnation = Some(self.log.incarnation().await?);
        self.generation = generation;
        self.has_more = true;
        let id = ConsumerId {
            name: self.consumer,
            generation,
        };
        self.checkpoints = checkpoint::load(self.log.pool(), id, &self.shards)
            .await?
            .into_iter()
            .map(|(shard, checkpoint)| (shard, checkpoint.position))
            .collect();
        self.read = self.checkpoints.values().min().copied().unwrap_or_default();
        Ok(())
    }
}
