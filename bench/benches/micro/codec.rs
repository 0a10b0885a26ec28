//! Events as stored bytes, and as messages of Kafka.

use criterion::Criterion;
use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use domain::ids::{CommandId, CorrelationId, DropletId, EventId, OrgId};
use domain::registry::Event;
use event_store::cloudevent::{self, Topics};
use event_store::codec;
use event_store::envelope::{
    Metadata, Position, Positioned, RequestSource, StoredEvent, StreamId, Version,
};
use event_store::incarnation::IncarnationId;
use event_store::write::append::encoded;
use uuid::Uuid;

pub(crate) fn measure(criterion: &mut Criterion) {
    let event = Event::from(
        DropletEvent::samples()
            .into_iter()
            .next()
            .expect("there are events"),
    );
    criterion.bench_function("event: encode", |bencher| {
        bencher.iter(|| encoded(&event));
    });
    let stored = stored(&event);
    codec::decode(&stored).expect("it decodes");
    criterion.bench_function("event: decode", |bencher| {
        bencher.iter(|| codec::decode(&stored));
    });
    let positioned = Positioned {
        position: Position(7),
        event: stored,
    };
    let topics = Topics::default();
    let incarnation = IncarnationId(Uuid::from_u128(1));
    criterion.bench_function("event: message of Kafka", |bencher| {
        bencher.iter(|| cloudevent::encode(&topics, &positioned, Position(6), Some(incarnation)));
    });
}

fn stored(event: &Event) -> StoredEvent {
    let stream = StreamId::from(DropletId::new(Uuid::from_u128(7)));
    let metadata = Metadata {
        actor: "ann".to_owned(),
        command_id: CommandId::new(Uuid::from_u128(2)),
        correlation_id: CorrelationId::new(Uuid::from_u128(3)),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: "2026-11-30T12:00:00Z".parse().expect("is a time"),
    };
    StoredEvent {
        stream,
        version: Version(1),
        event_id: EventId::derive(stream.uuid, 1),
        org: OrgId::parse("demo").expect("it is a good name"),
        event_type: event.event_type().to_owned(),
        schema_version: event.schema_version(),
        data: encoded(event).expect("it is small"),
        metadata: serde_json::to_string(&metadata).expect("it is JSON"),
        recorded_at: "2026-11-30T12:00:00.123456Z".parse().expect("is a time"),
    }
}
