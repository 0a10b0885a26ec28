//! Recorded events for the tests of folds, without a database.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{CommandId, CorrelationId, EventId, OrgId};
use domain::registry::Event;
use event_store::envelope::{Metadata, Recorded, RequestSource, StreamId, Version};
use uuid::Uuid;

use crate::model::Counted;

/// The events as the history of one stream of `acme`, each a minute after the one before.
pub(crate) fn history(events: impl IntoIterator<Item: Into<Event>>) -> Vec<Recorded> {
    let events = (1..).zip(events);
    events
        .map(|(version, event)| recorded(version, event.into()))
        .collect()
}

/// Returns the time of the event of this version, to the minute.
pub(crate) fn minute(version: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_672_531_200, 0).expect("2023 is a year");
    start + TimeDelta::minutes(version)
}

/// The event that makes the stream reach a version.
pub(crate) fn recorded(version: i64, event: Event) -> Recorded {
    let uuid = Uuid::from_u128(1 + u128::from(event.stream_type().code().unsigned_abs()));
    Recorded {
        stream: StreamId {
            stream_type: event.stream_type(),
            uuid,
        },
        version: Version(version),
        event_id: EventId::derive(uuid, version),
        org: OrgId::parse("acme").expect("is an organization"),
        metadata: Metadata {
            actor: "tester".to_owned(),
            command_id: CommandId::new(uuid),
            correlation_id: CorrelationId::new(uuid),
            causation_id: None,
            traceparent: None,
            source: RequestSource::Api,
            // Postgres keeps no nanoseconds.
            occurred_at: minute(version) + TimeDelta::nanoseconds(7),
        },
        recorded_at: minute(version) + TimeDelta::seconds(1),
        event,
    }
}

/// The counters of a stream after these events.
pub(crate) fn counters_after<C: Counted>(
    events: impl IntoIterator<Item: Into<Event>>,
) -> Vec<(&'static str, String)> {
    let counted = history(events)
        .iter()
        .try_fold(None, |counted, event| C::fold(counted, event).map(Some))
        .expect("the history makes sense")
        .expect("there are events");
    let counters = counted.counters().into_iter();
    counters
        .map(|(dimension, value)| (dimension.0, value.to_owned()))
        .collect()
}
