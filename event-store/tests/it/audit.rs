//! An audit finds nothing where nothing is wrong, and names what is wrong where something is.
//!
//! Each test breaks one thing the way an intruder with all rights would: past triggers and
//! constraints.

use std::collections::BTreeMap;

use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use event_store::audit::finding::{Difference, Findings, Progress};
use event_store::audit::{Audit, Bounds, checkpoints, digests, events, log, positions, streams};
use event_store::envelope::{Position, StreamId, Version};
use event_store::log::digest;
use event_store::pool::Purpose;
use sqlx::{AssertSqlSafe, PgPool, Row};
use testkit::events::{Recorder, sequence};
use testkit::postgres::TestDatabase;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

mod alterations;
mod places;

/// A store with 1,200 events: 300 droplets with 2 each, then 200 jobs with 3 each. The first 1,000 of
/// them have a digest.
struct Store {
    database: TestDatabase,
    pool: PgPool,
    droplets: Vec<StreamId>,
}

impl Store {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let mut recorder = Recorder::new(pool.clone());
        let droplets = recorder.droplets(300).await;
        recorder.jobs(200).await;
        assert_eq!(sequence(&pool).await, Position(1_200));
        assert_eq!(digest::make(&pool, 10).await.expect("is made"), 1);
        Self {
            database,
            pool,
            droplets,
        }
    }

    /// Runs statements as a superuser whom no trigger stops.
    async fn tamper(&self, statements: &str) {
        let mut session = self.pool.begin().await.expect("begins");
        let all = format!("set local session_replication_role = replica; {statements}");
        sqlx::raw_sql(AssertSqlSafe(all))
            .execute(&mut *session)
            .await
            .expect("a superuser may");
        session.commit().await.expect("commits");
    }

    /// What every check finds.
    async fn audit(&self) -> BTreeMap<&'static str, Findings> {
        audit(&self.database.pool_for(Purpose::Audit).await).await
    }

    /// The checks that find a difference, each with its first one.
    async fn differences(&self) -> BTreeMap<&'static str, Difference> {
        let found = self.audit().await.into_iter();
        found
            .filter_map(|(check, findings)| Some((check, findings.first?)))
            .collect()
    }

    /// The stream and version at a position.
    async fn at(&self, position: i64) -> Place {
        let row = sqlx::query(
            "select stream_id, version from es.log join es.events using (seq) where position = $1",
        )
        .bind(position)
        .fetch_one(&self.pool)
        .await
        .expect("there is an event");
        Place {
            position: Some(Position(position)),
            stream: Some(row.get("stream_id")),
            version: Some(Version(row.get("version"))),
        }
    }
}

/// Where a difference is expected to be.
#[derive(Clone, Copy, Default)]
struct Place {
    position: Option<Position>,
    stream: Option<uuid::Uuid>,
    version: Option<Version>,
}

impl Place {
    fn position(position: i64) -> Self {
        Self {
            position: Some(Position(position)),
            ..Self::default()
        }
    }

    fn difference(self, expected: &str, found: &str) -> Difference {
        Difference {
            position: self.position,
            stream: self.stream,
            version: self.version,
            expected: expected.to_owned(),
            found: found.to_owned(),
            ..Difference::default()
        }
    }
}

async fn audit(pool: &PgPool) -> BTreeMap<&'static str, Findings> {
    let audit = Audit {
        pool,
        bounds: Bounds::read(pool).await.expect("is read"),
        progress: &Progress::default(),
    };
    BTreeMap::from([
        ("positions", positions::check(&audit).await.expect("checks")),
        ("log", log::check(&audit).await.expect("checks")),
        ("streams", streams::check(&audit).await.expect("checks")),
        ("events", events::check(&audit).await.expect("checks")),
        ("digests", digests::check(&audit).await.expect("checks")),
        (
            "checkpoints",
            checkpoints::check(&audit).await.expect("checks"),
        ),
    ])
}

#[tokio::test]
async fn a_healthy_store_passes() {
    let store = Store::new().await;
    let found = store.audit().await;
    for (check, compared) in [
        ("positions", 1_200),
        ("log", 1_200),
        ("streams", 1_200),
        ("events", 1_200),
        ("digests", 1),
        ("checkpoints", 0),
    ] {
        assert_eq!(found[check].compared, compared, "{check}");
        assert_eq!(found[check].first, None, "{check}");
    }
    assert_eq!(
        found["digests"].notes,
        [
            "200 events are younger than the last digest: a change of one of them is not found by digests"
        ]
    );
}

#[tokio::test]
async fn an_empty_store_passes() {
    let database = TestDatabase::new().await;
    for (check, found) in audit(&database.pool()).await {
        assert_eq!(found, Findings::default(), "{check}");
    }
}

#[tokio::test]
async fn events_without_a_position_are_told_and_no_difference() {
    let store = Store::new().await;
    Recorder::new(store.pool.clone()).droplets(3).await;
    let found = store.audit().await;
    assert_eq!(
        found["log"].notes,
        ["6 events had no position yet and were not compared"]
    );
    assert!(found.values().all(|findings| findings.differences == 0));
}

#[tokio::test]
async fn an_audit_writes_nothing() {
    let store = Store::new().await;
    let pool = store.database.pool_for(Purpose::Audit).await;
    let refused = sqlx::query("delete from es.leases").execute(&pool).await;
    let refused = refused.expect_err("is refused").to_string();
    assert!(refused.contains("read-only transaction"), "{refused}");
}

/// Row-level security would hide events, and what is hidden looks like nothing wrong.
#[tokio::test]
async fn a_role_that_does_not_see_everything_is_told_so() {
    let store = Store::new().await;
    let pool = store.database.pool_for(Purpose::Queries).await;
    let blind = Bounds::read(&pool).await.expect_err("is refused");
    assert!(
        blind.to_string().contains("clustergenie_service"),
        "{blind}"
    );
}

/// Audits one after the other while streams are opened and go on, and are sequenced.
#[tokio::test(flavor = "multi_thread")]
async fn no_writer_makes_a_difference() {
    let store = Store::new().await;
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let pool = store.pool.clone();
        writers.spawn(async move {
            let mut recorder = Recorder::new(pool);
            for _ in 0..25 {
                let opened = recorder.droplets(20).await;
                for stream in opened.into_iter().take(5) {
                    let life = DropletEvent::samples().into_iter().take(3);
                    recorder.record(stream, life).await;
                }
            }
        });
    }
    let stop = CancellationToken::new();
    let sequencing = async {
        while !stop.is_cancelled() {
            sequence(&store.pool).await;
            digest::make(&store.pool, 1).await.expect("is made");
        }
    };
    let auditing = async {
        let mut audits = 0;
        while !writers.is_empty() || audits < 5 {
            for (check, found) in store.audit().await {
                assert_eq!(found.first, None, "{check}");
            }
            audits += 1;
            while let Some(ended) = writers.try_join_next() {
                ended.expect("a writer does not panic");
            }
        }
        stop.cancel();
    };
    tokio::join!(sequencing, auditing);
    let head = sequence(&store.pool).await;
    assert_eq!(head, Position(1_200 + 4 * 25 * (20 * 2 + 5 * 3)));
    assert_eq!(store.audit().await["log"].compared, 6_700);
}
