//! How far projections are, and waiting for what was written.

use event_store::envelope::{Position, StreamId, Version};
use testkit::events::sequence;

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
    assert_eq!(world.reader.head().await.expect("reads"), head);
    for status in world.reader.projections().await.expect("reads") {
        let concerned = if status.name == "jobs" { 0 } else { 2 };
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
    for status in world.reader.projections().await.expect("reads") {
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
async fn a_version_is_reached_when_every_read_model_shows_it() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let written: [(StreamId, Version); 1] = [(id.into(), Version(1))];
    let acme = org("acme");
    assert!(!world.reader.reached(&acme, &written).await.expect("reads"));
    sequence(&world.pool).await;
    assert!(!world.reader.reached(&acme, &written).await.expect("reads"));
    world.catch_up().await;
    assert!(world.reader.reached(&acme, &written).await.expect("reads"));
    let later = [(id.into(), Version(2))];
    assert!(!world.reader.reached(&acme, &later).await.expect("reads"));
    let other = world.reader.reached(&org("other"), &written).await;
    assert!(!other.expect("reads"));
    assert!(world.reader.reached(&acme, &[]).await.expect("reads"));
}
