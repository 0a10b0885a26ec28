//! Recorded events for tests of their consumers. The events use the real append and the real sequencer, but
//! no rules: any event may follow any other.

use std::collections::HashMap;

use chrono::DateTime;
use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use domain::ids::{CommandId, CorrelationId, EventId, OrgId};
use domain::job::JobEvent;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::envelope::{Metadata, Position, RequestSource, StreamId, Version};
use event_store::lease;
use event_store::log::sequencer::Sequencer;
use event_store::write::append::{Append, Outcome, Prepared, StreamAppend, append_batch};
use sqlx::PgPool;
use uuid::Uuid;

use crate::postgres::unique;
use crate::wait;

/// Records events in a database, and keeps the version of every stream.
#[derive(Debug)]
pub struct Recorder {
    pool: PgPool,
    org: OrgId,
    versions: HashMap<StreamId, Version>,
}

impl Recorder {
    /// Creates a recorder for the organization `acme`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::for_org(pool, "acme")
    }

    /// Creates a recorder for an organization.
    ///
    /// # Panics
    /// When the name is not valid.
    #[must_use]
    pub fn for_org(pool: PgPool, org: &str) -> Self {
        let org = OrgId::parse(org).expect("a test names organizations correctly");
        Self {
            pool,
            org,
            versions: HashMap::new(),
        }
    }

    /// Takes a stream to be at a version that another recorder wrote.
    pub fn resume(&mut self, stream: StreamId, version: i64) {
        self.versions.insert(stream, Version(version));
    }

    /// Appends events to a stream, in one command.
    ///
    /// # Panics
    /// When the database refuses, or another writer wrote the stream.
    pub async fn record(&mut self, stream: StreamId, events: impl IntoIterator<Item: Into<Event>>) {
        let events = events.into_iter().map(Into::into).collect();
        self.append(vec![(stream, events)]).await;
    }

    /// Records `count` droplets, each requested and activated, in few round trips.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn droplets(&mut self, count: usize) -> Vec<StreamId> {
        let life: Vec<Event> = DropletEvent::samples()
            .into_iter()
            .take(2)
            .map(Into::into)
            .collect();
        self.streams(StreamType::DROPLET, count, &life).await
    }

    /// Records `count` jobs, each submitted, started and at 30 percent, in few round trips.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn jobs(&mut self, count: usize) -> Vec<StreamId> {
        let life: Vec<Event> = JobEvent::samples()
            .into_iter()
            .take(3)
            .map(Into::into)
            .collect();
        self.streams(StreamType::JOB, count, &life).await
    }

    async fn streams(
        &mut self,
        stream_type: StreamType,
        count: usize,
        life: &[Event],
    ) -> Vec<StreamId> {
        let streams: Vec<_> = (0..count).map(|_| new_stream(stream_type)).collect();
        for some in streams.chunks(500) {
            self.append(some.iter().map(|s| (*s, life.to_vec())).collect())
                .await;
        }
        streams
    }

    async fn append(&mut self, writes: Vec<(StreamId, Vec<Event>)>) {
        let mut batch = Vec::with_capacity(writes.len());
        for (stream, events) in writes {
            let version = self.versions.entry(stream).or_default();
            let expected = *version;
            *version = version.plus(events.len());
            let append = StreamAppend {
                stream,
                expected,
                events,
            };
            let append = Append::new(self.org.clone(), vec![append], metadata());
            batch.push(Prepared::new(append).expect("the events of a test can be stored"));
        }
        let outcomes = append_batch(&self.pool, &batch)
            .await
            .expect("the database takes events");
        assert!(
            outcomes.iter().all(|o| *o == Outcome::Appended),
            "{outcomes:?}"
        );
    }
}

/// Gives positions to all recorded events, by a sequencer of its own. Returns the head of the log. Waits while
/// another sequencer holds the lease.
///
/// # Panics
/// When the database fails.
pub async fn sequence(pool: &PgPool) -> Position {
    let owner = unique();
    let lease = wait::until("the sequencer's lease is free", async || {
        lease::acquire(pool, "sequencer", &owner)
            .await
            .expect("the database gives leases")
    })
    .await;
    let mut sequencer = Sequencer::take_over(pool.clone(), &lease)
        .await
        .expect("nobody else sequences");
    while sequencer.step().await.expect("nobody else sequences").more {}
    lease::release(pool, &lease)
        .await
        .expect("the database takes leases back");
    sequencer.head()
}

/// Records an event of an unknown type as the next one of a stream.
///
/// # Panics
/// When there is no such stream.
pub async fn record_nonsense(pool: &PgPool, stream: Uuid) {
    let recorded = sqlx::query(
        "with bumped as ( \
             update es.streams set version = version + 1 where stream_id = $1 \
             returning stream_id, org_id, version) \
         insert into es.events (stream_id, version, shard, event_id, org_id, event_type, \
             schema_version, data, metadata) \
         select stream_id, b.version, e.shard, gen_random_uuid(), b.org_id, 'droplet_sold', 1, \
             '{}', e.metadata \
         from bumped b join es.events e using (stream_id) where e.version = 1",
    )
    .bind(stream)
    .execute(pool)
    .await
    .expect("the event is recorded");
    assert_eq!(recorded.rows_affected(), 1, "there is no stream {stream}");
}

/// Records a stream of a newer program. `code` is its stream type, and `event_type` the type of its first
/// event. Has the effect of the append statement.
///
/// # Panics
/// When the database refuses.
pub async fn record_newer(pool: &PgPool, org: &str, code: i16, event_type: &str) -> StreamId {
    let stream = new_stream(StreamType::new(code));
    sqlx::query(
        "with opened as ( \
             insert into es.streams (stream_id, stream_type, org_id, version) \
             values ($1, $2, $3, 1) returning stream_id, org_id) \
         insert into es.events (stream_id, version, shard, event_id, org_id, event_type, \
             schema_version, data, metadata) \
         select stream_id, 1, $4, $5, org_id, $6, 1, '{\"tag\": \"new\"}', $7::json from opened",
    )
    .bind(stream.uuid)
    .bind(format!("type_{code}"))
    .bind(org)
    .bind(stream.shard().0)
    .bind(EventId::derive(stream.uuid, 1).as_uuid())
    .bind(event_type)
    .bind(by_newer_source(&metadata()))
    .execute(pool)
    .await
    .expect("the event is recorded");
    stream
}

/// Metadata with an origin that only a newer program knows.
fn by_newer_source(metadata: &Metadata) -> String {
    let mut metadata = serde_json::to_value(metadata).expect("metadata is JSON");
    metadata["source"] = "scheduler".into();
    metadata.to_string()
}

/// The id of a new stream, without events.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are an edge: ids enter here"
)]
#[must_use]
pub fn new_stream(stream_type: StreamType) -> StreamId {
    StreamId {
        stream_type,
        uuid: Uuid::now_v7(),
    }
}

/// Metadata of a request to the API. Only the ids differ between calls.
///
/// # Panics
/// Never, because its time is valid.
#[must_use]
pub fn metadata() -> Metadata {
    let command = new_stream(StreamType::JOB).uuid;
    Metadata {
        actor: "tester".to_owned(),
        command_id: CommandId::new(command),
        correlation_id: CorrelationId::new(command),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: DateTime::from_timestamp(1_672_531_200, 0).expect("2023 is a year"),
    }
}
