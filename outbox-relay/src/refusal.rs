//! An event that Kafka refuses for good, in the words that operators read.

use std::fmt;

use event_store::cloudevent::{Message, Topics};
use event_store::envelope::{Position, Positioned, StoredEvent, StreamId};

use crate::kafka_diagnostics::{self, Failure};
use crate::message_size;
use crate::topics::raise_limit;

/// An event that was sent in a transaction, as far as a refusal tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SentEvent {
    pub(crate) position: Position,
    pub(crate) stream: StreamId,
    /// The size of the event's message in Kafka, headers included.
    pub(crate) bytes: usize,
}

impl SentEvent {
    /// Describes the message of an event.
    pub(crate) fn new(event: &Positioned<StoredEvent>, message: &Message) -> Self {
        Self {
            position: event.position,
            stream: event.event.stream,
            bytes: message_size::bytes(message),
        }
    }
}

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
    /// The change that makes Kafka take the event.
    pub remedy: String,
    /// Kafka has every event up to here, and none after it.
    pub published: Position,
}

impl Refusal {
    /// Describes a refusal, of the events that were sent in a transaction. Kafka has every event up to `published`.
    ///
    /// `None` when no failure is of an event that was sent.
    pub(crate) fn new(
        failures: Vec<Failure>,
        sent: &[SentEvent],
        brokers: &str,
        topics: &Topics,
        published: Position,
    ) -> Option<Self> {
        let failures = failures.into_iter();
        let refused = failures.filter_map(|f| Some((f.error, *sent.get(f.which)?)));
        // None that was refused only because another one of its batch is invalid, if there is another one.
        let (error, event) = refused.max_by_key(|(error, event)| {
            let is_to_blame = !kafka_diagnostics::is_innocent(error);
            (is_to_blame, event.bytes)
        })?;
        let topic = topics.events(event.stream.stream_type);
        let remedy = if kafka_diagnostics::is_too_large(&error) {
            raise_limit(brokers, &topic)
        } else {
            format!("change what makes the topic `{topic}` or its brokers refuse it")
        };
        Some(Self {
            position: event.position,
            stream: event.stream,
            bytes: event.bytes,
            reason: error.to_string(),
            remedy,
            published,
        })
    }
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

#[cfg(test)]
mod tests {
    use domain::stream_type::StreamType;
    use rdkafka::error::KafkaError;
    use rdkafka::types::RDKafkaErrorCode;
    use testkit::events::new_stream;

    use super::*;

    /// The position of the event that is said to be refused, of messages of the given sizes at the positions
    /// from 1 on.
    fn blamed(sizes: &[usize], failures: &[(usize, RDKafkaErrorCode)]) -> Refusal {
        let stream = new_stream(StreamType::JOB);
        let sent = (1..).zip(sizes).map(|(position, &bytes)| SentEvent {
            position: Position(position),
            stream,
            bytes,
        });
        let sent: Vec<_> = sent.collect();
        let failures = failures.iter().map(|(which, code)| Failure {
            which: *which,
            error: KafkaError::MessageProduction(*code),
        });
        let refusal = Refusal::new(
            failures.collect(),
            &sent,
            "k:1",
            &Topics::default(),
            Position::START,
        );
        refusal.expect("the messages were sent")
    }

    #[test]
    fn the_largest_refused_message_is_to_blame() {
        let too_large = |which| (which, RDKafkaErrorCode::MessageSizeTooLarge);
        let refusal = blamed(&[10, 30, 20, 40], &[0, 1, 2].map(too_large));
        assert_eq!(refusal.position, Position(2));
        assert!(refusal.remedy.contains("max.message.bytes"), "{refusal}");
    }

    #[test]
    fn a_message_beside_an_invalid_one_is_not_to_blame() {
        let refusal = blamed(
            &[30, 10, 20],
            &[
                (0, RDKafkaErrorCode::InvalidDifferentRecord),
                (1, RDKafkaErrorCode::InvalidRecord),
                (2, RDKafkaErrorCode::InvalidDifferentRecord),
            ],
        );
        assert_eq!(refusal.position, Position(2));
        assert!(
            refusal.remedy.contains("`clustergenie.job.v1`"),
            "{refusal}"
        );
    }
}
