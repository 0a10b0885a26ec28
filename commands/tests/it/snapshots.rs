//! Snapshots save reading, and change nothing else.

use domain::decider::fold;
use domain::droplet::{Droplet, DropletEvent};
use domain::ids::DropletId;
use event_store::codec;
use event_store::envelope::Version;
use event_store::write::snapshot::{self, Snapshot};

use crate::support::{Platform, code, droplet, rename, request, request_of, tag};

/// Makes a droplet whose stream is that long.
async fn long_droplet(platform: &mut Platform, events: i64) -> DropletId {
    let commands = platform.process();
    let new = droplet("web");
    let id = new.id;
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    for turn in 1..events {
        let name = if turn % 2 == 0 { "web" } else { "app" };
        commands
            .droplet(&request(), id, rename(name))
            .await
            .expect("it is accepted");
    }
    id
}

async fn folded(platform: &Platform, id: DropletId, up_to: usize) -> Droplet {
    let events = platform.events(id).await;
    let events = events.iter().take(up_to).map(|stored| {
        let event = codec::decode(stored).expect("it decodes").event;
        DropletEvent::try_from(event).expect("it is a droplet's")
    });
    let events: Vec<_> = events.collect();
    fold(Droplet::default(), &events)
}

#[tokio::test]
async fn a_long_stream_gets_a_snapshot_that_equals_the_full_fold() {
    let mut platform = Platform::new().await;
    let id = long_droplet(&mut platform, snapshot::EVERY + 5).await;
    let incarnation = platform.database.incarnation();
    let stored = snapshot::load::<Droplet>(&platform.pool(), incarnation, id.into()).await;
    let (state, version) = stored.expect("Postgres answers").expect("there is one");
    assert_eq!(version, Version(snapshot::EVERY));
    assert_eq!(state, folded(&platform, id, 100).await);
}

#[tokio::test]
async fn a_stream_is_loaded_from_its_snapshot_on() {
    let mut platform = Platform::new().await;
    let id = long_droplet(&mut platform, snapshot::EVERY + 5).await;
    // A snapshot that differs from the history shows whether it is used.
    sqlx::query("update es.snapshots set state = '\"failed\"'")
        .execute(&platform.pool())
        .await
        .expect("Postgres answers");
    let refused = platform.process().droplet(&request(), id, tag("a")).await;
    assert_eq!(code(refused), "DROPLET_FAILED");
}

#[tokio::test]
async fn a_stream_goes_on_after_its_snapshot_as_without_it() {
    let mut platform = Platform::new().await;
    let id = long_droplet(&mut platform, snapshot::EVERY + 5).await;
    let receipt = platform.process().droplet(&request(), id, tag("a")).await;
    let version = receipt.expect("it is accepted").streams[0].1;
    assert_eq!(version, Version(snapshot::EVERY + 6));
    let state = folded(&platform, id, usize::MAX).await;
    let tags = state.spec().expect("it lives").tags.len();
    assert_eq!(
        (state.live_name().expect("it lives").as_str(), tags),
        ("web", 1)
    );
}

#[tokio::test]
async fn a_snapshot_opens_a_stream_to_its_own_organization_only() {
    let mut platform = Platform::new().await;
    let id = long_droplet(&mut platform, snapshot::EVERY).await;
    let refused = platform
        .process()
        .droplet(&request_of("other"), id, tag("a"))
        .await;
    assert_eq!(code(refused), "DROPLET_NOT_FOUND");
}

#[tokio::test]
async fn a_snapshot_that_is_ahead_of_its_stream_is_not_believed() {
    let mut platform = Platform::new().await;
    let id = long_droplet(&mut platform, 3).await;
    // As after restoring the events, but not the snapshots, from an older backup.
    let deleted = Snapshot::of(&Droplet::Deleted).expect("it is JSON");
    let incarnation = platform.database.incarnation();
    snapshot::save(
        &platform.pool(),
        incarnation,
        id.into(),
        Version(9),
        &deleted,
    )
    .await
    .expect("Postgres answers");
    let accepted = platform.process().droplet(&request(), id, tag("a")).await;
    assert_eq!(
        accepted.expect("it lives").streams,
        [(id.into(), Version(4))]
    );
}
