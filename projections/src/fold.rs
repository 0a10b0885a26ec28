//! The shared part of all folds, which take one event after the other, and only one that can have come
//! next.

use chrono::{DateTime, SubsecRound, Utc};
use domain::stream_type::StreamType;
use event_store::consume::consumer::ApplyError;
use event_store::envelope::{Positioned, Recorded, StreamId, Version};
use uuid::Uuid;

/// An event that cannot have come next: the recorded and the applied events contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnexpectedEvent {
    /// Another version of the stream was due: an event was left out or came twice.
    #[error("event {found} of stream {stream} came where event {due} was due")]
    OutOfOrder {
        /// The stream.
        stream: StreamId,
        /// The version that was due.
        due: Version,
        /// The version that came.
        found: Version,
    },
    /// The event does not fit the events before it.
    #[error("`{event_type}` of stream {stream} makes no sense after the status {status}")]
    Misplaced {
        /// The stream.
        stream: StreamId,
        /// Stored name of the event.
        event_type: &'static str,
        /// The status before it; `ABSENT` before the first event.
        status: &'static str,
    },
    /// The event belongs to another type of stream.
    #[error("`{event_type}` of stream {stream} is not an event of a {expected}")]
    Foreign {
        /// The stream.
        stream: StreamId,
        /// Stored name of the event.
        event_type: &'static str,
        /// The type of the streams that were folded.
        expected: StreamType,
    },
}

impl UnexpectedEvent {
    /// An event that does not fit the status before it (`None` before the first event).
    pub(crate) fn misplaced(event: &Recorded, status: Option<&'static str>) -> Self {
        Self::Misplaced {
            stream: event.stream,
            event_type: event.event.event_type(),
            status: status.unwrap_or("ABSENT"),
        }
    }

    /// An event of another type of stream.
    pub(crate) fn foreign(event: &Recorded, expected: StreamType) -> Self {
        Self::Foreign {
            stream: event.stream,
            event_type: event.event.event_type(),
            expected,
        }
    }
}

/// The event is at fault: its stream is parked.
impl From<UnexpectedEvent> for ApplyError {
    fn from(senseless: UnexpectedEvent) -> Self {
        Self::Event(senseless.to_string())
    }
}

/// Checks that the event is the next one after `applied`.
pub(crate) fn must_follow(
    applied: Option<Version>,
    event: &Recorded,
) -> Result<(), UnexpectedEvent> {
    let due = applied.unwrap_or(Version::NONE).plus(1);
    if event.version == due {
        Ok(())
    } else {
        Err(UnexpectedEvent::OutOfOrder {
            stream: event.stream,
            due,
            found: event.version,
        })
    }
}

/// The time as Postgres keeps it, in microseconds, so that a row in memory equals the stored one.
/// A leap second becomes the second after it, because Postgres has none.
pub(crate) fn stored_time(time: DateTime<Utc>) -> DateTime<Utc> {
    let without_leap = DateTime::from_timestamp_micros(time.timestamp_micros());
    without_leap.unwrap_or(time).trunc_subsecs(6)
}

/// The streams of a batch, each once.
pub(crate) fn streams(events: &[Positioned<Recorded>]) -> Vec<Uuid> {
    let mut streams: Vec<_> = events.iter().map(|e| e.event.stream.uuid).collect();
    streams.sort_unstable();
    streams.dedup();
    streams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_second_is_kept_as_the_second_after_it() {
        let leap = DateTime::parse_from_rfc3339("2016-12-31T23:59:60.5Z").expect("is a time");
        let stored = stored_time(leap.to_utc()).to_rfc3339();
        assert_eq!(stored, "2017-01-01T00:00:00.500+00:00");
        let time = DateTime::parse_from_rfc3339("2026-11-01T12:00:00.1234567Z").expect("is a time");
        let stored = stored_time(time.to_utc()).to_rfc3339();
        assert_eq!(stored, "2026-11-01T12:00:00.123456+00:00");
    }
}
