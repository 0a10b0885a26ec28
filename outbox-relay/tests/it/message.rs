//! What an event looks like in Kafka: a contract with everybody who reads the topics.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outbox-relay --test it message` writes the golden file anew.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::DateTime;
use domain::event::DomainEvent;
use domain::ids::{CommandId, CorrelationId, EventId, OrgId};
use domain::job::JobEvent;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::cloudevent::{Message, Topics, decode, encode};
use event_store::envelope::{
    Metadata, Position, Positioned, RequestSource, StoredEvent, StreamId, Version,
};
use event_store::error::CodecError;
use event_store::incarnation::IncarnationId;
use uuid::Uuid;

fn sample() -> Positioned<StoredEvent> {
    let stream = StreamId {
        stream_type: StreamType::JOB,
        uuid: Uuid::from_u128(0x0192_3f4a_8c00_7000_8000_0000_0000_0002),
    };
    let event: Event = JobEvent::samples().remove(2).into();
    let metadata = Metadata {
        actor: "agent-7".to_owned(),
        command_id: CommandId::new(Uuid::from_u128(1)),
        correlation_id: CorrelationId::new(Uuid::from_u128(2)),
        causation_id: None,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        source: RequestSource::Api,
        occurred_at: DateTime::from_timestamp(1_672_531_200, 0).unwrap(),
    };
    let event = StoredEvent {
        stream,
        version: Version(3),
        event_id: EventId::derive(stream.uuid, 3),
        org: OrgId::parse("acme").unwrap(),
        event_type: event.event_type().to_owned(),
        schema_version: event.schema_version(),
        data: event.to_json().unwrap(),
        metadata: serde_json::to_string(&metadata).unwrap(),
        recorded_at: DateTime::from_timestamp_micros(1_672_531_201_234_567).unwrap(),
    };
    Positioned {
        position: Position(42),
        event,
    }
}

#[test]
fn an_event_is_a_cloud_event_in_binary_mode() {
    let message = encode(&Topics::default(), &sample(), Position(17), None).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/message.txt");
    assert_golden(&path, &message);
}

#[test]
fn a_message_names_the_incarnation_that_published_it() {
    let message = encode(&Topics::default(), &sample(), Position(17), incarnation()).unwrap();
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/message_of_incarnation.txt");
    assert_golden(&path, &message);
}

fn incarnation() -> Option<IncarnationId> {
    Some(IncarnationId(Uuid::from_u128(9)))
}

fn assert_golden(path: &Path, message: &Message) {
    let text = text_of(message);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text);
}

#[test]
fn what_was_written_is_what_is_read() {
    let event = sample();
    let message = encode(&Topics::default(), &event, Position(17), incarnation()).unwrap();
    let headers: HashMap<&str, &str> = message
        .headers
        .iter()
        .map(|(k, v)| (*k, v.as_str()))
        .collect();
    let received = decode(event.event.stream.shard(), &headers, &message.value).unwrap();
    assert_eq!((received.event, received.previous), (event, Position(17)));
    assert_eq!(received.incarnation, incarnation());
}

#[test]
fn what_no_event_can_have_is_refused() {
    let event = sample();
    let message = encode(&Topics::default(), &event, Position(17), incarnation()).unwrap();
    for (name, bad) in [
        ("ce_position", "0"),
        ("ce_position", "-9223372036854775808"),
        ("ce_position", "17"),
        ("ce_previous", "-1"),
        ("ce_previous", "42"),
        ("ce_streamversion", "0"),
    ] {
        let mut headers: HashMap<&str, &str> = message
            .headers
            .iter()
            .map(|(k, v)| (*k, v.as_str()))
            .collect();
        headers.insert(name, bad);
        let refused = decode(event.event.stream.shard(), &headers, &message.value);
        assert!(
            matches!(&refused, Err(CodecError::Message(_))),
            "{name}: {bad}: {refused:?}"
        );
    }
}

fn text_of(message: &Message) -> String {
    let mut text = format!(
        "topic: {}\npartition: {}\nkey: {}\n",
        message.topic, message.partition, message.key
    );
    for (name, value) in &message.headers {
        writeln!(text, "header {name}: {value}").unwrap();
    }
    writeln!(text, "value: {}", message.value).unwrap();
    text
}
