//! Comparing read models with the log finds every row that is not what the log says.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::consume::retry;
use event_store::envelope::{Positioned, Recorded};
use projections::compare::{Comparison, Sample, compare};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use testkit::events::sequence;
use uuid::Uuid;

use crate::replay::record_lives;
use crate::world::{World, Writer, requested, sample};

async fn compared(world: &World, projection: &dyn Consumer, sample: Sample) -> Comparison {
    compare(&world.pool, projection, 1, sample)
        .await
        .expect("is compared")
}

#[tokio::test]
async fn what_was_projected_is_what_the_log_says_all_of_it_or_a_sample() {
    let world = World::new().await;
    record_lives(&world, 40).await;
    world.catch_up().await;
    for projection in projections::all() {
        let all = compared(&world, projection.as_ref(), Sample::ALL).await;
        assert_eq!(all.differences, 0, "{all:?}");
        // Two windows that meet, the first one across the end of all values: together they are everything.
        let some = compared(&world, projection.as_ref(), Sample::share(0.5, 40_000)).await;
        let rest = compared(&world, projection.as_ref(), Sample::share(0.5, 7_232)).await;
        assert_eq!(
            (some.differences, rest.differences),
            (0, 0),
            "{some:?} {rest:?}"
        );
        assert_eq!(some.events + rest.events, all.events);
        assert!(some.events < all.events, "{some:?} of {all:?}");
        assert!(some.rows > 0, "{some:?}");
        let none = compared(&world, projection.as_ref(), Sample::share(0.0, 0)).await;
        assert_eq!((none.events, none.rows), (0, 0));
    }
}

#[tokio::test]
async fn every_kind_of_wrong_row_is_found_and_named() {
    let world = World::new().await;
    record_lives(&world, 6).await;
    world.catch_up().await;
    for (projection, table, damage, expected, found) in [
        (
            0,
            "droplets_1.droplets",
            "update droplets_1.droplets set name = 'forged' where id = (select id from droplets_1.droplets limit 1)",
            true,
            true,
        ),
        (
            1,
            "jobs_1.jobs",
            "delete from jobs_1.jobs where id = (select id from jobs_1.jobs limit 1)",
            true,
            false,
        ),
        (
            3,
            "activity_1.activity",
            "insert into activity_1.activity select (jsonb_populate_record(a, '{\"position\": 9999}')).* from activity_1.activity a limit 1",
            false,
            true,
        ),
        (
            3,
            "activity_1.activity_names",
            "update activity_1.activity_names set name = 'x' where stream_id = (select stream_id from activity_1.activity_names limit 1)",
            true,
            true,
        ),
        (
            4,
            "counts_1.counts",
            "update counts_1.counts set count = count + 1 where dimension = 'job_kind' and value = 'scan'",
            true,
            true,
        ),
    ] {
        sqlx::query(AssertSqlSafe(damage))
            .execute(&world.pool)
            .await
            .expect("is damaged");
        let projection = &projections::all()[projection];
        let comparison = compared(&world, projection.as_ref(), Sample::ALL).await;
        let difference = comparison
            .first
            .iter()
            .find(|difference| difference.table == table)
            .unwrap_or_else(|| panic!("{damage} was not found: {comparison:?}"));
        assert_eq!(difference.expected.is_some(), expected, "{difference:?}");
        assert_eq!(difference.found.is_some(), found, "{difference:?}");
    }
}

/// The read model of droplets, observed while it applies events.
struct Observed {
    droplets: Arc<dyn Consumer>,
    pool: PgPool,
    /// A stream whose second event cannot be applied.
    refused: Option<Uuid>,
    /// A parked stream that somebody retries while the first batch is applied.
    retried: Mutex<Option<Uuid>>,
    /// The number of open snapshots at each batch.
    snapshots: Mutex<Vec<i64>>,
}

impl Observed {
    fn new(pool: &PgPool, refused: Option<Uuid>, retried: Option<Uuid>) -> Self {
        Self {
            droplets: projections::consumers().swap_remove(0),
            pool: pool.clone(),
            refused,
            retried: Mutex::new(retried),
            snapshots: Mutex::default(),
        }
    }
}

#[async_trait]
impl Consumer for Observed {
    fn name(&self) -> &'static str {
        self.droplets.name()
    }

    fn version(&self) -> i32 {
        self.droplets.version()
    }

    fn stream_types(&self) -> &'static [StreamType] {
        self.droplets.stream_types()
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        let open = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() \
             and state = 'idle in transaction' and backend_xmin is not null",
        );
        let open = open.fetch_one(&self.pool).await?;
        self.snapshots.lock().expect("is whole").push(open);
        let retried = self.retried.lock().expect("is whole").take();
        if let Some(stream) = retried {
            let retried = retry::stream(&self.pool, self.droplets.as_ref(), 1, stream).await;
            assert_eq!(retried.expect("is retried").applied, 2);
        }
        let is_refused = |event: &Positioned<Recorded>| {
            Some(event.event.stream.uuid) == self.refused && event.event.version.0 == 2
        };
        if events.iter().any(is_refused) {
            return Err(ApplyError::Event("cannot be applied".to_owned()));
        }
        self.droplets.apply(transaction, events).await
    }
}

/// Postgres keeps every version of every row for an open snapshot, and the fold of a long history takes hours.
#[tokio::test]
async fn no_snapshot_is_open_while_history_is_folded() {
    let world = World::new().await;
    record_lives(&world, 10).await;
    world.catch_up().await;
    let droplets = Observed::new(&world.pool, None, None);
    let all = compared(&world, &droplets, Sample::ALL).await;
    assert_eq!(all.differences, 0, "{all:?}");
    let snapshots = droplets.snapshots.into_inner().expect("is whole");
    assert!(
        !snapshots.is_empty() && snapshots.iter().all(|open| *open == 0),
        "{snapshots:?}"
    );
}

#[tokio::test]
async fn a_parked_stream_that_is_retried_meanwhile_is_compared_whole() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let stream = writer.droplet(requested("web-1")).await;
    let story = ["droplet_activated", "droplet_tagged"];
    writer.record(stream.into(), story.map(sample)).await;
    let parked = Some(stream.as_uuid());
    let head = sequence(&world.pool).await;
    world
        .run(&Observed::new(&world.pool, parked, None), head)
        .await;

    let droplets = Observed::new(&world.pool, None, parked);
    let all = compared(&world, &droplets, Sample::ALL).await;
    assert_eq!((all.differences, all.events), (0, 3), "{all:?}");
}
