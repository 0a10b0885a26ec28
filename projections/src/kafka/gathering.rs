//! Events that go into one batch, with the moves of their checkpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use event_store::consume::checkpoint::Move;
use event_store::consume::source::Batch;
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::incarnation::IncarnationId;

/// A batch that is being gathered.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    events: Vec<Arc<Positioned<StoredEvent>>>,
    moves: BTreeMap<Shard, Move>,
    /// The last event from Kafka of each shard for which it gave any.
    claims: BTreeMap<Shard, Arc<Positioned<StoredEvent>>>,
}

impl Gathering {
    /// Returns the number of events.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds the next event of a shard whose position is `from`. `kafka_offset` is the offset in Kafka
    /// after the event, for events that came from there.
    pub(super) fn add(
        &mut self,
        from: Position,
        event: Positioned<StoredEvent>,
        kafka_offset: Option<i64>,
    ) {
        let shard = event.event.stream.shard();
        let event = Arc::new(event);
        if kafka_offset.is_some() {
            self.claims.insert(shard, Arc::clone(&event));
        }
        let step = self.moves.entry(shard).or_insert(Move {
            shard,
            from,
            to: from,
            kafka_offset: None,
        });
        step.to = event.position;
        step.kafka_offset = kafka_offset.or(step.kafka_offset);
        self.events.push(event);
    }

    /// Returns the claims that have to be checked against the log before the batch is taken out.
    pub(super) fn claims(&self) -> Vec<Arc<Positioned<StoredEvent>>> {
        self.claims.values().cloned().collect()
    }

    /// Removes all events of a shard. Returns the shard's position before them, if there were any.
    pub(super) fn leave_out(&mut self, shard: Shard) -> Option<Position> {
        self.events.retain(|e| e.event.stream.shard() != shard);
        self.claims.remove(&shard);
        self.moves.remove(&shard).map(|step| step.from)
    }

    /// Takes the batch out, for a generation; `None` if it has no events. They were read in this incarnation.
    pub(super) fn take(
        &mut self,
        generation: i32,
        incarnation: Option<IncarnationId>,
    ) -> Option<Batch> {
        if self.events.is_empty() {
            return None;
        }
        let Self { events, moves, .. } = std::mem::take(self);
        let moves = moves.into_values().collect();
        Some(Batch {
            has_more: false,
            generation,
            incarnation,
            events,
            moves,
        })
    }
}
