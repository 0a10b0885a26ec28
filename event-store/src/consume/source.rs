//! Where recorded events come from. A consumer is written once; the log (here) and Kafka (in
//! `projections`) are its two sources.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use sqlx::PgPool;

use crate::consume::checkpoint::{self, Move};
use crate::consume::wake::Signal;
use crate::envelope::{Position, Positioned, Shard, StoredEvent};
use crate::error::StoreError;
use crate::log;

/// Events at most in one batch of the log.
const BATCH: i64 = 1_000;

/// Events that come next, and how far the checkpoints move when they have been applied.
#[derive(Debug, Default)]
pub struct Batch {
    /// The generation whose tables are to be written.
    pub generation: i32,
    /// In position order within each shard; none of them was applied before.
    pub events: Vec<Positioned<StoredEvent>>,
    /// To commit together with what the events did.
    pub moves: Vec<Move>,
}

/// Whose checkpoints: they belong to a generation of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerId {
    /// The consumer's name, such as `droplets`.
    pub name: &'static str,
    /// Which of its generations ([`crate::consume::generation`]).
    pub generation: i32,
}

/// A place where recorded events come from, in the order of each stream, none left out.
#[async_trait]
pub trait Source: Send {
    /// Waits for the next batch. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the source or Postgres fails; [`Source::rewind`] before the next call.
    async fn next(&mut self) -> Result<Batch, StoreError>;

    /// Goes to the checkpoints of a generation, as they are stored: to be called before the first batch,
    /// and when a batch was not committed.
    ///
    /// # Errors
    /// When Postgres fails.
    async fn rewind(&mut self, generation: i32) -> Result<(), StoreError>;
}

/// The log as a source, read by one process at a time (the checkpoints fence a second one).
#[derive(Debug)]
pub struct LogSource {
    pool: PgPool,
    consumer: &'static str,
    shards: Vec<Shard>,
    sequenced: Signal,
    patience: Duration,
    generation: i32,
    /// Empty until the checkpoints were read.
    checkpoints: BTreeMap<Shard, Position>,
}

impl LogSource {
    /// Reads the events of the given types for a consumer. `patience` is how long it trusts the
    /// signal before it looks by itself.
    #[must_use]
    pub fn new(
        pool: PgPool,
        consumer: &'static str,
        types: &[StreamType],
        sequenced: Signal,
        patience: Duration,
    ) -> Self {
        let shards = Shard::all(types);
        Self {
            pool,
            consumer,
            shards,
            sequenced,
            patience,
            generation: 0,
            checkpoints: BTreeMap::new(),
        }
    }
}

#[async_trait]
impl Source for LogSource {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        loop {
            let after = self.checkpoints.values().min().copied().unwrap_or_default();
            let read = log::read(&self.pool, after, BATCH).await?;
            let Some(end) = read.last().map(|last| last.position) else {
                self.sequenced.above(after.0, self.patience).await;
                continue;
            };
            let mut batch = Batch {
                generation: self.generation,
                ..Batch::default()
            };
            for (shard, checkpoint) in &mut self.checkpoints {
                if *checkpoint < end {
                    batch.moves.push(Move {
                        shard: *shard,
                        from: *checkpoint,
                        to: end,
                        kafka_offset: None,
                    });
                }
            }
            // Shards stand at different checkpoints after they were followed through Kafka.
            batch.events = read
                .into_iter()
                .filter(|e| {
                    let checkpoint = self.checkpoints.get(&e.event.stream.shard());
                    checkpoint.is_some_and(|checkpoint| *checkpoint < e.position)
                })
                .collect();
            for moved in &batch.moves {
                self.checkpoints.insert(moved.shard, moved.to);
            }
            return Ok(batch);
        }
    }

    async fn rewind(&mut self, generation: i32) -> Result<(), StoreError> {
        self.generation = generation;
        let id = ConsumerId {
            name: self.consumer,
            generation,
        };
        self.checkpoints = checkpoint::load(&self.pool, id, &self.shards)
            .await?
            .into_iter()
            .map(|(shard, checkpoint)| (shard, checkpoint.position))
            .collect();
        Ok(())
    }
}
