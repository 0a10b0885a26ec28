//! Programs of two versions beside each other: the older one meets streams of a type that only the newer one
//! knows. Nothing stops, nothing is parked that its consumer can read, and nothing is lost to the newer one.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::audit::finding::Progress;
use event_store::audit::{
    Audit, Bounds, checkpoints, events, log as audit_log, positions, streams,
};
use event_store::consume::consumer::{ApplyError, Consumer, apply_batch};
use event_store::consume::generation;
use event_store::consume::parked;
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::Signal;
use event_store::envelope::{Position, Positioned, Recorded, StreamId};
use event_store::log;
use sqlx::{PgConnection, PgPool};
use testkit::events::{Recorder, record_newer, sequence};
use testkit::postgres::TestDatabase;

/// The code of the type that only the newer program knows.
const NEWER: i16 = 7;

/// The types that the newer program knows.
const OF_THE_NEWER: [StreamType; 3] =
    [StreamType::DROPLET, StreamType::JOB, StreamType::new(NEWER)];

/// Remembers which streams it was given, of the types that its program knows.
struct Witness {
    types: &'static [StreamType],
    seen: Mutex<BTreeSet<StreamId>>,
}

impl Witness {
    const fn new(types: &'static [StreamType]) -> Self {
        Self {
            types,
            seen: Mutex::new(BTreeSet::new()),
        }
    }

    fn of_the_older_program() -> Self {
        Self::new(&[StreamType::DROPLET, StreamType::JOB])
    }

    fn of_the_newer_program() -> Self {
        Self::new(&OF_THE_NEWER)
    }

    /// Applies what it has not applied, up to a position.
    async fn catch_up(&self, pool: &PgPool, head: Position) {
        let patience = Duration::from_secs(1);
        let (pool, signal) = (pool.clone(), Signal::new());
        let mut source = LogSource::new(pool.clone(), self.name(), self.types, signal, patience);
        generation::begin(&pool, self.name(), 1)
            .await
            .expect("Postgres answers");
        source.rewind(1).await.expect("Postgres answers");
        let mut at = Position::START;
        while at < head {
            let batch = source.next().await.expect("the log is read");
            at = batch.moves.iter().map(|step| step.to).max().unwrap_or(at);
            apply_batch(&pool, self, &batch)
                .await
                .expect("the batch is applied");
        }
    }

    fn has_seen(&self, streams: &[StreamId]) -> bool {
        let seen = self.seen.lock().expect("nobody panics");
        streams.iter().all(|stream| seen.contains(stream))
    }
}

#[async_trait]
impl Consumer for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        self.types
    }

    async fn apply(
        &self,
        _: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        let mut seen = self.seen.lock().expect("nobody panics");
        seen.extend(events.iter().map(|event| event.event.stream));
        Ok(())
    }
}

async fn parked_streams(pool: &PgPool) -> Vec<StreamId> {
    let id = generation::serving(pool, "witness")
        .await
        .expect("Postgres answers");
    let parked = parked::list(pool, id, None, None).await;
    let parked = parked.expect("Postgres answers").into_iter();
    parked
        .map(|parked| StreamId {
            stream_type: parked.stream_type,
            uuid: parked.stream_id,
        })
        .collect()
}

#[tokio::test]
async fn an_older_program_passes_streams_of_a_newer_one_and_applies_its_own() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let mut ours = recorder.droplets(2).await;
    let newer = record_newer(&pool, "Big.Org", NEWER, "cluster_created").await;
    ours.extend(recorder.jobs(2).await);
    let head = sequence(&pool).await;

    let older = Witness::of_the_older_program();
    older.catch_up(&pool, head).await;
    assert!(older.has_seen(&ours) && !older.has_seen(&[newer]));
    assert_eq!(parked_streams(&pool).await, []);

    // The log gives it as it is, with its code.
    let read = log::read(&pool, Position::START, 100).await.expect("reads");
    assert_eq!(i64::try_from(read.len()), Ok(head.0));
    let passed = read.iter().find(|event| event.event.stream == newer);
    let passed = passed.expect("it is there");
    assert_eq!(passed.event.event_type, "cluster_created");
    let heads = log::shard_heads(&pool, head).await.expect("reads");
    assert!(heads.contains(&(newer.shard(), passed.position)));
}

#[tokio::test]
async fn a_newer_program_gets_everything_that_was_recorded_before_it_began() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let mut all = recorder.droplets(1).await;
    // An event that both programs can decode, of a type of streams that only the newer one knows.
    all.push(record_newer(&pool, "acme", NEWER, "droplet_tagged").await);
    let head = sequence(&pool).await;
    let older = Witness::of_the_older_program();
    older.catch_up(&pool, head).await;
    all.push(record_newer(&pool, "acme", NEWER, "droplet_tagged").await);
    // One that even the newer one cannot decode parks its own stream.
    let nonsense = record_newer(&pool, "acme", NEWER, "cluster_sold").await;
    all.extend(recorder.jobs(1).await);
    let head = sequence(&pool).await;

    let newer = Witness::of_the_newer_program();
    newer.catch_up(&pool, head).await;
    assert!(newer.has_seen(&all[1..]), "{:?}", newer.seen);
    assert!(
        !newer.has_seen(&all[..1]),
        "what the older one has applied is not applied again"
    );
    assert_eq!(parked_streams(&pool).await, [nonsense]);

    // And the older one again, as after a rollback.
    all = recorder.droplets(1).await;
    record_newer(&pool, "acme", NEWER, "droplet_tagged").await;
    let head = sequence(&pool).await;
    older.catch_up(&pool, head).await;
    assert!(older.has_seen(&all));
    assert_eq!(parked_streams(&pool).await, [nonsense]);
}

#[tokio::test]
async fn the_audit_of_an_older_program_finds_no_difference() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    Recorder::new(pool.clone()).droplets(3).await;
    record_newer(&pool, "acme", NEWER, "cluster_created").await;
    record_newer(&pool, "acme", NEWER, "cluster_created").await;
    let head = sequence(&pool).await;
    let older = Witness::of_the_older_program();
    older.catch_up(&pool, head).await;

    let audit = Audit {
        pool: &pool,
        bounds: Bounds::read(&pool).await.expect("reads"),
        progress: &Progress::default(),
    };
    for findings in [
        positions::check(&audit).await,
        audit_log::check(&audit).await,
        streams::check(&audit).await,
        checkpoints::check(&audit).await,
    ] {
        let findings = findings.expect("Postgres answers");
        assert_eq!(findings.first, None);
        assert_eq!(findings.notes, Vec::<String>::new());
    }
    let decoded = events::check(&audit).await.expect("Postgres answers");
    assert_eq!((decoded.differences, decoded.compared), (0, 8));
    assert!(
        decoded.notes.len() == 1 && decoded.notes[0].starts_with("2 events are of stream types"),
        "{:?}",
        decoded.notes
    );
}
