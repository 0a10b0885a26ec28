//! Events that go into one batch, with the moves of their checkpoints.

use std::collections::BTreeMap;

use event_store::checkpoint::Move;
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::source::Batch;

/// A batch in the making.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    events: Vec<Positioned<StoredEvent>>,
    moves: BTreeMap<Shard, Move>,
}

impl Gathering {
    /// How many events it has.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds the next event of a shard that stands at `from`. `kafka_offset` is where Kafka has the one
    /// after it, for events that came from there.
    pub(super) fn add(
        &mut self,
        from: Position,
        event: Positioned<StoredEvent>,
        kafka_offset: Option<i64>,
    ) {
        let shard = event.event.stream.shard();
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

    /// Takes the batch out, if there is anything in it.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.events.is_empty() {
            return None;
        }
        let Self { events, moves } = std::mem::take(self);
        let moves = moves.into_values().collect();
        Some(Batch { events, moves })
    }
}
