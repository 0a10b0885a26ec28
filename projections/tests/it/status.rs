//! How far projections are.

use event_store::envelope::Position;
use testkit::events::sequence;

use crate::world::{World, Writer, requested, sample};

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
