//! How far projections are.

use event_store::consume::consumer::Consumer;
use event_store::consume::{generation, parked, pause};
use event_store::envelope::{Position, Shard, StreamId};
use projections::droplets::Droplets;
use projections::model::{Model, Rows};
use projections::rebuild;
use projections::status::{Stage, State};
use testkit::events::{record_nonsense, sequence};

use crate::world::{World, Writer, org, requested, sample};

#[tokio::test]
async fn lag_is_exact_also_for_a_projection_that_never_ran() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    writer
        .record(id.into(), [sample("droplet_activated")])
        .await;
    let head = sequence(&world.pool).await;
    assert_eq!(world.reader.head(&org("acme")).await.expect("reads"), head);
    for status in world.reader.projections(&org("acme")).await.expect("reads") {
        let concerned = if ["jobs", "clusters"].contains(&status.name) {
            0
        } else {
            2
        };
        assert_eq!(status.lag_events, concerned, "{}", status.name);
        assert_eq!(status.lag.is_zero(), concerned == 0, "{}", status.name);
        let position = if concerned == 0 {
            head
        } else {
            Position::START
        };
        assert_eq!(status.position, position, "{}", status.name);
    }
    world.catch_up().await;
    for status in world.reader.projections(&org("acme")).await.expect("reads") {
        assert_eq!(
            (status.lag_events, status.position),
            (0, head),
            "{}",
            status.name
        );
        assert!(status.lag.is_zero(), "{}", status.name);
    }
}

#[tokio::test]
async fn a_pause_is_told_with_who_and_why_and_ends() {
    let world = World::new().await;
    world.catch_up().await;
    assert!(
        pause::pause(&world.pool, "jobs", "ann", "the disk is full")
            .await
            .expect("pauses")
    );
    let again = pause::pause(&world.pool, "jobs", "bob", "something else").await;
    assert!(!again.expect("pauses"), "it was paused already");
    for status in world.reader.projections(&org("acme")).await.expect("reads") {
        match status.state {
            State::Paused { by, reason, .. } if status.name == "jobs" => {
                assert_eq!((by.as_str(), reason.as_str()), ("ann", "the disk is full"));
            }
            state => assert_eq!((state, status.name == "jobs"), (State::Following, false)),
        }
    }
    assert!(pause::resume(&world.pool, "jobs").await.expect("resumes"));
    assert!(!pause::resume(&world.pool, "jobs").await.expect("resumes"));
    for status in world.reader.projections(&org("acme")).await.expect("reads") {
        assert_eq!(status.state, State::Following, "{}", status.name);
    }
}

#[tokio::test]
async fn another_version_that_serves_is_told() {
    let world = World::new().await;
    world.catch_up().await;
    sqlx::query("update es.generations set version = 7 where consumer = 'counts'")
        .execute(&world.pool)
        .await
        .expect("is another version");
    let statuses = world.reader.projections(&org("acme")).await.expect("reads");
    let counts = statuses
        .iter()
        .find(|s| s.name == "counts")
        .expect("is there");
    let wanted = projections::registry::COUNTS.version();
    assert_eq!(
        (counts.version, &counts.state),
        (7, &State::OtherVersion { wanted })
    );
}

#[tokio::test]
async fn a_rebuild_is_told_from_the_request_to_its_end() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    for name in ["web-1", "web-2", "web-3", "web-4"] {
        writer.droplet(requested(name)).await;
    }
    let head = world.catch_up().await;
    let droplets = async || {
        let statuses = world.reader.projections(&org("acme")).await.expect("reads");
        statuses
            .into_iter()
            .find(|s| s.name == "droplets")
            .expect("is there")
    };
    assert_eq!(droplets().await.building, None);
    rebuild::request(&world.pool, &Rows(Droplets), "ann", "a test")
        .await
        .expect("is asked for");
    let begun = droplets().await.building.expect("it is being made");
    assert_eq!((begun.generation, begun.version), (2, Droplets::VERSION));
    assert_eq!(
        (begun.stage, begun.share, begun.rest),
        (Stage::Filling, 0.0, None)
    );
    assert_eq!(
        (begun.requested_by.as_str(), begun.reason.as_str()),
        ("ann", "a test")
    );

    // Half of the shards are done.
    let shards = Shard::all(Droplets::OF);
    let done: Vec<_> = shards.iter().take(shards.len() / 2).map(|s| s.0).collect();
    sqlx::query(
        "insert into es.checkpoints (consumer, generation, shard, position) \
         select 'droplets', 2, shard, $2 from unnest($1::smallint[]) as s(shard)",
    )
    .bind(done)
    .bind(head.0)
    .execute(&world.pool)
    .await
    .expect("checkpoints are made");
    let half = droplets().await.building.expect("it is being made");
    assert!((half.share - 0.5).abs() < 1e-9, "{half:?}");
    assert!(half.rest.is_some_and(|rest| !rest.is_zero()), "{half:?}");

    // As if its rows had been found wrong.
    sqlx::query(
        "update es.generations set state = 'FAILED', filled_at = clock_timestamp(), \
         decided_at = clock_timestamp(), report = '{\"comparison\": {\"differences\": 3}}' \
         where consumer = 'droplets' and generation = 2",
    )
    .execute(&world.pool)
    .await
    .expect("is found wrong");
    let status = droplets().await;
    let failed = status.failed.expect("it failed");
    assert_eq!((failed.generation, failed.differences), (2, 3));
    assert_eq!((status.generation, status.building), (1, None));
}

#[tokio::test]
async fn what_was_skipped_troubles_nobody_and_is_counted() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let bad = writer.droplet(requested("web-1")).await;
    record_nonsense(&world.pool, bad.as_uuid()).await;
    world.catch_up().await;
    let id = generation::serving(&world.pool, "droplets")
        .await
        .expect("reads");
    let stream = StreamId::from(bad).uuid;
    assert!(
        parked::skip(&world.pool, id, stream, "ann", "sold")
            .await
            .expect("is skipped")
    );
    let statuses = world.reader.projections(&org("acme")).await.expect("reads");
    let told: Vec<_> = statuses
        .iter()
        .map(|s| (s.name, s.parked_streams, s.skipped_streams))
        .collect();
    let expected = [
        ("droplets", 0, 1),
        ("jobs", 0, 0),
        ("clusters", 0, 0),
        ("activity", 1, 0),
        ("counts", 1, 0),
    ];
    assert_eq!(told, expected);
}
