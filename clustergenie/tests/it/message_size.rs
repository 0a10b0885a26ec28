//! The largest message that any caller can cause fits the limit that the relay demands of its topics.

use api::identity::tokens::MAX_SUBJECT_CHARS;
use chrono::DateTime;
use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use domain::ids::{CommandId, CorrelationId, EventId, OrgId};
use domain::job::JobEvent;
use domain::registry::Event;
use event_store::cloudevent::{Topics, encode};
use event_store::envelope::{
    Metadata, Position, Positioned, RequestSource, StoredEvent, StreamId, Version,
};
use event_store::incarnation::IncarnationId;
use event_store::write::append::MAX_EVENT_BYTES;
use outbox_relay::message_size::{MAX_HEADERS_BYTES, MAX_MESSAGE_BYTES, bytes, headers};
use uuid::Uuid;

/// An event of which everything is as long as it can be, but for what is given.
fn longest(event: &Event, actor: String) -> Positioned<StoredEvent> {
    let id = Uuid::from_u128(u128::MAX);
    let metadata = Metadata {
        actor,
        command_id: CommandId::new(id),
        correlation_id: CorrelationId::new(id),
        causation_id: Some(EventId::new(id)),
        traceparent: Some(format!("00-{}-{}-ff", "f".repeat(32), "f".repeat(16))),
        source: RequestSource::Process,
        occurred_at: DateTime::from_timestamp(1_672_531_200, 123_456_789).unwrap(),
    };
    let event = StoredEvent {
        stream: StreamId {
            stream_type: event.stream_type(),
            uuid: id,
        },
        version: Version(i64::MAX),
        event_id: EventId::new(id),
        org: OrgId::parse("o".repeat(40)).unwrap(),
        event_type: event.event_type().to_owned(),
        schema_version: i32::MAX,
        data: "x".repeat(MAX_EVENT_BYTES),
        metadata: serde_json::to_string(&metadata).unwrap(),
        recorded_at: DateTime::from_timestamp_micros(1_672_531_201_234_567).unwrap(),
    };
    Positioned {
        position: Position(i64::MAX),
        event,
    }
}

#[test]
fn the_message_of_every_event_fits_a_topic_that_was_checked() {
    let droplets = DropletEvent::samples().into_iter().map(Event::from);
    let jobs = JobEvent::samples().into_iter().map(Event::from);
    for event in droplets.chain(jobs) {
        // The longest in UTF-8, and the longest that JSON escapes.
        for character in ["\u{10ffff}", "\""] {
            let event = longest(&event, character.repeat(MAX_SUBJECT_CHARS));
            let message = encode(
                &Topics::default(),
                &event,
                Position(i64::MAX - 1),
                Some(IncarnationId(Uuid::max())),
            )
            .unwrap();
            assert!(headers(&message) <= MAX_HEADERS_BYTES);
            assert!(bytes(&message) <= MAX_MESSAGE_BYTES);
        }
    }
}
