//! Folds the log again into temporary tables, by a projection's own code.

use std::collections::HashMap;
use std::fmt;

use event_store::codec;
use event_store::consume::consumer::Consumer;
use event_store::envelope::{Position, Positioned, Recorded, Shard, StoredEvent, StreamId};
use event_store::log;
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::{CompareError, Sample};

/// Events that are read and folded at once.
const BATCH: i64 = 2_000;

/// A fold in progress.
pub(super) struct Fold<'a> {
    consumer: &'a dyn Consumer,
    sample: Sample,
    /// The positions from which on streams are not folded any more.
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
    /// Prepares a fold of the sampled streams. Parked streams are folded only up to their parked events.
    pub(super) fn new(
        consumer: &'a dyn Consumer,
        sample: Sample,
        parked: HashMap<Uuid, Position>,
    ) -> Self {
        Self {
            consumer,
            sample,
            ends: parked,
            events: 0,
            refused: Vec::new(),
        }
    }

    /// Folds the events of a shard, up to a position.
    pub(super) async fn shard(
        &mut self,
        pool: &PgPool,
        scratch: &mut PgConnection,
        shard: Shard,
        up_to: Position,
    ) -> Result<(), CompareError> {
        let mut after = Position::START;
        loop {
            let read = log::read_shard(pool, shard, after, up_to, BATCH).await?;
            let Some(last) = read.last() else {
                return Ok(());
            };
            after = last.position;
            let events: Vec<_> = read.iter().filter_map(|e| self.admit(e)).collect();
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
        let end = self.ends.get(&stream.uuid);
        end.is_some_and(|end| position >= *end)
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
