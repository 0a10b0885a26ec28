//! What goes out in one Kafka transaction.

use std::collections::HashMap;

use event_store::cloudevent::{self, Message, Topics};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent, StreamId};
use event_store::error::CodecError;

use uuid::Uuid;

use crate::held::Held;

/// An event that is sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) event: Positioned<StoredEvent>,
    /// The position of the event before it in its shard of the log, whether or not Kafka has that one:
    /// so our consumers notice what is held back, and read it from the log.
    pub(crate) previous: Position,
    /// Up to where Kafka had the log when the event was released late.
    pub(crate) released_behind: Option<Position>,
}

/// The next events of the log: those that are sent, and those that are not.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(crate) sent: Vec<Outgoing>,
    /// What has to wait, with its streams.
    pub(crate) waiting: Vec<(Position, StreamId)>,
    /// The last position of every shard that has events, up to the last event.
    pub(crate) heads: HashMap<Shard, Position>,
}

impl Outgoing {
    pub(crate) fn message(&self, topics: &Topics) -> Result<Message, CodecError> {
        let mut message = cloudevent::encode(topics, &self.event, self.previous)?;
        if let Some(behind) = self.released_behind {
            let header = (cloudevent::RELEASED_BEHIND, behind.to_string());
            message.headers.push(header);
        }
        Ok(message)
    }
}

impl Portion {
    /// Divides the events that come after those with the given heads.
    pub(crate) fn of(
        events: Vec<Positioned<StoredEvent>>,
        held: &Held,
        mut heads: HashMap<Shard, Position>,
    ) -> Self {
        let (mut sent, mut waiting) = (Vec::with_capacity(events.len()), Vec::new());
        for event in events {
            let previous = heads.insert(event.event.stream.shard(), event.position);
            if held.is_skipped(&event) {
                continue;
            }
            if held.holds(&event) {
                waiting.push((event.position, event.event.stream));
                continue;
            }
            sent.push(Outgoing {
                event,
                previous: previous.unwrap_or_default(),
                released_behind: None,
            });
        }
        Self {
            sent,
            waiting,
            heads,
        }
    }

    /// The positions and streams of what is sent, in order.
    pub(crate) fn places(&self) -> Vec<(Position, Uuid)> {
        let places = self.sent.iter();
        places
            .map(|sent| (sent.event.position, sent.event.event.stream.uuid))
            .collect()
    }
}
