//! An event that cannot be applied parks its own stream, visibly, and nothing else stops.

use domain::droplet::DropletStatus;
use domain::stream_type::StreamType;
use projections::columns::Columns;
use projections::droplets::Droplets;
use testkit::events::{new_stream, record_nonsense};

use crate::world::{World, Writer, org, requested, sample};

#[tokio::test]
async fn an_event_that_nobody_understands_parks_only_its_stream() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let bad = writer.droplet(requested("web-1")).await;
    let good = writer.droplet(requested("web-2")).await;
    record_nonsense(&world.pool, bad.as_uuid()).await;
    writer
        .record(good.into(), [sample("droplet_activated")])
        .await;
    world.catch_up().await;

    let row = world
        .reader
        .row::<Droplets>(&writer.org, bad, &Columns::All)
        .await
        .expect("reads");
    assert_eq!(row.expect("is there").version.0, 1);
    let row = world
        .reader
        .row::<Droplets>(&writer.org, good, &Columns::All)
        .await
        .expect("reads");
    assert_eq!(row.expect("is there").status, DropletStatus::Active);
    for projection in world.reader.projections(&org("acme")).await.expect("reads") {
        let parked = i64::from(!["jobs", "clusters"].contains(&projection.name));
        assert_eq!(projection.parked_streams, parked, "{}", projection.name);
        assert_eq!(projection.lag_events, 0, "{}", projection.name);
    }
}

#[tokio::test]
async fn an_event_that_makes_no_sense_parks_its_stream_and_is_still_in_the_activity() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let stream = new_stream(StreamType::DROPLET);
    let story = ["droplet_activated", "droplet_tagged"];
    writer.record(stream, story.map(sample)).await;
    let good = writer.droplet(requested("web-2")).await;
    world.catch_up().await;

    let row = world
        .reader
        .row::<Droplets>(&writer.org, good, &Columns::All)
        .await
        .expect("reads");
    assert!(row.is_some());
    let statuses = world.reader.projections(&org("acme")).await.expect("reads");
    let parked: Vec<_> = statuses
        .iter()
        .map(|s| (s.name, s.parked_streams))
        .collect();
    assert_eq!(
        parked,
        [
            ("droplets", 1),
            ("jobs", 0),
            ("clusters", 0),
            ("activity", 0),
            ("counts", 1)
        ]
    );
    let reason: String = sqlx::query_scalar(
        "select error from es.parked where consumer = 'droplets' and error is not null",
    )
    .fetch_one(&world.pool)
    .await
    .expect("one of the two is at fault");
    assert!(reason.contains("`droplet_activated`"), "{reason}");
}
