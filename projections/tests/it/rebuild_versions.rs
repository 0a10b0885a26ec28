//! Programs of two versions of a read model beside each other: which one makes generations, and which
//! one applies events and tries parked streams again.

use std::sync::Arc;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::consume::generation::{self, ConsumerMode};
use event_store::consume::retry;
use event_store::envelope::{Positioned, Recorded, StreamId};
use event_store::error::StoreError;
use projections::droplets::Droplets;
use projections::jobs::Jobs;
use projections::model::{Model, ReadModel, Rows, View};
use sqlx::PgConnection;
use testkit::events::record_nonsense;
use testkit::wait::until;

use crate::rebuild::{await_states, rebuilder, request, rows, states};
use crate::world::{World, Writer, requested, sample};

/// The version of droplets that this program has, and the next one.
const OLDER: i32 = <Droplets as Model>::VERSION;
const NEWER: i32 = OLDER + 1;

/// Droplets by code of a higher version.
struct NewerDroplets {
    /// An event that the one before could apply, and this one cannot.
    refuses: &'static str,
}

impl NewerDroplets {
    /// One that applies everything.
    const ABLE: Self = Self { refuses: "" };
}

impl ReadModel for NewerDroplets {
    fn tables(&self) -> &'static str {
        Droplets::TABLES
    }

    fn views(&self) -> &'static [View] {
        Droplets::VIEWS
    }
}

#[async_trait]
impl Consumer for NewerDroplets {
    fn name(&self) -> &'static str {
        "droplets"
    }

    fn version(&self) -> i32 {
        NEWER
    }

    fn stream_types(&self) -> &'static [StreamType] {
        Droplets::OF
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        if events
            .iter()
            .any(|event| event.event.event.event_type() == self.refuses)
        {
            return Err(ApplyError::Event("renaming is not understood".to_owned()));
        }
        Rows(Droplets).apply(transaction, events).await?;
        sqlx::query("update droplets set failure_reason = 'seen by newer code'")
            .execute(transaction)
            .await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_risen_version_makes_its_tables_by_itself_and_keeps_older_code_away() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let mode = generation::mode(&world.pool, &NewerDroplets::ABLE).await;
    assert_eq!(
        mode.expect("Postgres answers"),
        ConsumerMode::OtherVersion { serving: OLDER }
    );
    let _rebuilder = rebuilder(&world, "newer", vec![Arc::new(NewerDroplets::ABLE)]);
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
    let mode = generation::mode(&world.pool, &NewerDroplets::ABLE).await;
    assert_eq!(mode.expect("Postgres answers"), ConsumerMode::Follow(2));
    let older = generation::mode(&world.pool, &Rows(Droplets)).await;
    assert_eq!(
        older.expect("Postgres answers"),
        ConsumerMode::OtherVersion { serving: NEWER }
    );
    let rows = rows(&world, "read_v1.droplets").await;
    assert!(rows[0].contains("seen by newer code"), "{rows:?}");
}

#[tokio::test]
async fn a_generation_that_parks_more_never_serves_and_is_not_made_again() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    writer
        .record(
            id.into(),
            [sample("droplet_activated"), sample("droplet_renamed")],
        )
        .await;
    world.catch_up().await;
    let before = rows(&world, "read_v1.droplets").await;
    let jobs: Arc<dyn ReadModel> = Arc::new(Rows(Jobs));
    let unable = Arc::new(NewerDroplets {
        refuses: "droplet_renamed",
    });
    let _rebuilder = rebuilder(&world, "one", vec![unable, Arc::clone(&jobs)]);
    await_states(&world, "droplets", &["SERVING", "FAILED"]).await;
    assert_eq!(rows(&world, "read_v1.droplets").await, before);
    let report: String = sqlx::query_scalar(
        "select report -> 'parked' ->> 0 from es.generations where state = 'FAILED'",
    )
    .fetch_one(&world.pool)
    .await
    .expect("there is a report");
    assert!(report.contains("renaming is not understood"), "{report}");
    until("its tables are dropped", async || {
        let dropped: bool = sqlx::query_scalar(
            "select dropped_at is not null from es.generations where state = 'FAILED'",
        )
        .fetch_one(&world.pool)
        .await
        .expect("Postgres answers");
        dropped.then_some(())
    })
    .await;
    // Whoever makes this one has looked after the tables were dropped.
    request(&world, jobs.as_ref()).await;
    await_states(&world, "jobs", &["RETIRED", "SERVING"]).await;
    assert_eq!(states(&world, "droplets").await, ["SERVING", "FAILED"]);
}

#[tokio::test]
async fn a_parked_stream_is_not_tried_by_code_of_another_version() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let bad: StreamId = writer.droplet(requested("web-1")).await.into();
    record_nonsense(&world.pool, bad.uuid).await;
    world.catch_up().await;
    let refused = retry::stream(&world.pool, &NewerDroplets::ABLE, 1, bad.uuid).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::OtherVersion {
                found: OLDER,
                ours: NEWER,
                ..
            })
        ),
        "{refused:?}"
    );
}
