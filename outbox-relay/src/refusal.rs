//! An event that Kafka refuses for good, in the words that operators read.

use std::fmt;

use event_store::envelope::{Position, StreamId};

/// An event that Kafka refused for good. Nothing is published until Kafka takes it.
///
/// Kafka refuses whole batches. When it does not say which record of a batch is to blame, this is the
/// largest event of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The event's position in the log.
    pub position: Position,
    /// The event's stream.
    pub stream: StreamId,
    /// The size of the event's message in Kafka, headers included.
    pub bytes: usize,
    /// Kafka's reason.
    pub reason: String,
    /// What makes Kafka take the event.
    pub remedy: String,
    /// Kafka has every event up to here, and none after it.
    pub published: Position,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            stream,
            bytes,
            reason,
            remedy,
            published,
        } = self;
        write!(
            f,
            "Kafka refuses the event at position {position} ({stream}, {bytes} bytes with headers) for \
             good: {reason}; nothing after position {published} is published until Kafka takes it: \
             {remedy}"
        )
    }
}
