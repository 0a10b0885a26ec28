//! Folds the log again into temporary tables, by a projection's own code.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use event_store::codec;
use event_store::consume::consumer::Consumer;
use event_store::envelope::{Position, Positioned, Recorded, Shard, StoredEvent, StreamId};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::{CompareError, Sample};
use crate::shard_batches::{self, ShardBatch};

/// A fold in progress.
pub(super) struct Fold<'a> {
    consumer: &'a dyn Consumer,
    sample: Sample,
    /// The positions up to which the shards are folded.
    folded: BTreeMap<Shard, Position>,
    passes: u32,
    /// The positions from which on the generation has parked streams, which are left out.
    parked: HashMap<Uuid, Position>,
    /// The positions of events that cannot be applied, from which on their streams are left out.
    ends: HashMap<Uuid, Position>,
    /// The number of events that were folded.
    pub(super) events: u64,
    /// Events that the generation has applied and that cannot be applied now.
    pub(super) refused: Vec<Refused>,
}

/// An event that cannot be applied.
pub(super) struct Refused {
    pub(super) stream: StreamId,
    position: Position,
    reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the event at position {} cannot be applied: {}",
            self.position.0, self.reason
        )
    }
}

impl<'a> Fold<'a> {
    /// Prepares a fold of the sampled streams.
    pub(super) fn new(consumer: &'a dyn Consumer, sample: Sample) -> Self {
        Self {
            consumer,
            sample,
            folded: BTreeMap::new(),
            passes: 0,
            parked: HashMap::new(),
            ends: HashMap::new(),
            events: 0,
            refused: Vec::new(),
        }
    }

    /// Leaves out what these streams have from their parked positions on. Returns false if the fold cannot follow: a
    /// stream that was left out is not parked at the same position any more, or a checkpoint went back.
    pub(super) fn follows(
        &mut self,
        checkpoints: &[(Shard, Position)],
        parked: HashMap<Uuid, Position>,
    ) -> bool {
        let before = std::mem::replace(&mut self.parked, parked);
        let is_as_before =
            |(stream, position): (&Uuid, _)| self.parked.get(stream) == Some(position);
        let is_ahead =
            |&(shard, position)| self.folded.get(&shard).is_none_or(|at| *at <= position);
        before.iter().all(is_as_before) && checkpoints.iter().all(is_ahead)
    }

    /// The number of passes.
    pub(super) fn passes(&self) -> u32 {
        self.passes
    }

    /// Folds the events of each shard that come up to its checkpoint. Returns the number of events read.
    pub(super) async fn pass(
        &mut self,
        pool: &PgPool,
        scratch: &mut PgConnection,
        checkpoints: &[(Shard, Position)],
    ) -> Result<u64, CompareError> {
        self.passes += 1;
        let mut read = 0;
        for &(shard, up_to) in checkpoints {
            let after = self.folded.insert(shard, up_to);
            let after = after.unwrap_or(Position::START);
            read += self.shard(pool, scratch, shard, after, up_to).await?;
        }
        Ok(read)
    }

    async fn shard(
        &mut self,
        pool: &PgPool,
        scratch: &mut PgConnection,
        shard: Shard,
        mut after: Position,
        up_to: Position,
    ) -> Result<u64, CompareError> {
        let mut count = 0;
        loop {
            // Read before it is applied: a read beside it would be a snapshot.
            let ShardBatch { events, is_last } =
                shard_batches::next(pool, shard, after, up_to).await?;
            let Some(last) = events.last() else {
                return Ok(count);
            };
            after = last.position;
            count += events.len() as u64;
            let events: Vec<_> = events.iter().filter_map(|e| self.admit(e)).collect();
            let mut transaction = scratch.begin().await?;
            match self.consumer.apply(&mut transaction, &events).await {
                Ok(()) => {
                    transaction.commit().await?;
                    self.events += events.len() as u64;
                }
                Err(_) => {
                    transaction.rollback().await?;
                    self.one_by_one(scratch, events).await?;
                }
            }
            if is_last {
                return Ok(count);
            }
        }
    }

    /// Decodes an event that is to be folded.
    fn admit(&mut self, stored: &Positioned<StoredEvent>) -> Option<Positioned<Recorded>> {
        let (stream, position) = (stored.event.stream, stored.position);
        if !self.sample.has(stream.uuid) || self.has_ended(stream, position) {
            return None;
        }
        match codec::decode(&stored.event) {
            Ok(event) => Some(Positioned { position, event }),
            Err(error) => {
                self.refuse(stream, position, error.to_string());
                None
            }
        }
    }

    /// Applies a batch event by event. The fold of a stream ends before its event that cannot be
    /// applied.
    async fn one_by_one(
        &mut self,
        scratch: &mut PgConnection,
        events: Vec<Positioned<Recorded>>,
    ) -> Result<(), CompareError> {
        for event in events {
            let (stream, position) = (event.event.stream, event.position);
            if self.has_ended(stream, position) {
                continue;
            }
            let mut transaction = scratch.begin().await?;
            match self
                .consumer
                .apply(&mut transaction, std::slice::from_ref(&event))
                .await
            {
                Ok(()) => {
                    transaction.commit().await?;
                    self.events += 1;
                }
                Err(error) if error.is_passing() => return Err(error.into()),
                Err(error) => {
                    transaction.rollback().await?;
                    self.refuse(stream, position, error.to_string());
                }
            }
        }
        Ok(())
    }

    fn has_ended(&self, stream: StreamId, position: Position) -> bool {
        let is_after = |ends: &HashMap<Uuid, Position>| {
            let end = ends.get(&stream.uuid);
            end.is_some_and(|end| position >= *end)
        };
        is_after(&self.parked) || is_after(&self.ends)
    }

    fn refuse(&mut self, stream: StreamId, position: Position, reason: String) {
        self.ends.insert(stream.uuid, position);
        self.refused.push(Refused {
            stream,
            position,
            reason,
        });
    }
}
