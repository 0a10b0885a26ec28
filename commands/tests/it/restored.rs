//! A log that went back. What a process remembers of it may be no more; no command may rest on it.

use domain::droplet::{Droplet, DropletUpdate};
use domain::ids::DropletId;
use event_store::envelope::{Position, Version};
use event_store::incarnation::{self, Reason};
use event_store::write::snapshot::{self, Snapshot};
use testkit::events::sequence;
use testkit::restore::go_back;

use crate::support::{Platform, code, droplet, new_job, request, tag};

/// A droplet that is protected, and the position up to which that is so.
async fn protected(platform: &mut Platform) -> (DropletId, Position) {
    let process = platform.process();
    let new = droplet("web");
    let id = new.id;
    let done = process.provision_droplet(&request(), new).await;
    done.expect("it is accepted");
    let done = process
        .droplet(&request(), id, DropletUpdate::Protect)
        .await;
    done.expect("it is accepted");
    (id, sequence(&platform.pool()).await)
}

#[tokio::test]
async fn nothing_is_decided_on_a_state_that_was_lost() {
    for reason in [
        Reason::Timeline,
        Reason::Server,
        Reason::Database,
        Reason::Declared,
    ] {
        let mut platform = Platform::new().await;
        let (id, kept) = protected(&mut platform).await;
        let (one, two) = (platform.process(), platform.process());
        let lost = one.droplet(&request(), id, DropletUpdate::Unprotect).await;
        let lost = lost.expect("it is accepted");
        sequence(&platform.pool()).await;
        go_back(&platform.pool(), kept, reason).await;
        if reason == Reason::Declared {
            let declared = incarnation::declare(&platform.pool(), "a snapshot of the disk").await;
            declared.expect("it is declared");
        }

        // Another process writes the version that was lost.
        let again = two.droplet(&request(), id, tag("a")).await;
        let again = again.expect("it is accepted");
        assert_eq!(again.streams, lost.streams);
        assert_ne!(again.incarnation, lost.incarnation);

        // The first process remembers that version as unprotected.
        let deleted = one.delete_droplet(&request(), id, new_job()).await;
        assert_eq!(code(deleted), "DROPLET_PROTECTED", "{reason:?}");
    }
}

/// Shows that the test above sees what it is for.
#[tokio::test]
async fn without_the_demand_of_an_incarnation_a_lost_state_would_win() {
    let mut platform = Platform::new().await;
    let (id, kept) = protected(&mut platform).await;
    let (one, two) = (platform.process(), platform.process());
    let lost = one.droplet(&request(), id, DropletUpdate::Unprotect).await;
    lost.expect("it is accepted");
    sequence(&platform.pool()).await;
    sqlx::query(
        "create or replace function es.demand_incarnation(believed uuid) returns boolean \
         language sql as 'select true'",
    )
    .execute(&platform.pool())
    .await
    .expect("the function is replaced");
    go_back(&platform.pool(), kept, Reason::Timeline).await;
    let again = two.droplet(&request(), id, tag("a")).await;
    again.expect("it is accepted");
    let deleted = one.delete_droplet(&request(), id, new_job()).await;
    deleted.expect("nothing stops it");
}

#[tokio::test]
async fn commands_go_on_after_a_failover_that_lost_nothing() {
    let mut platform = Platform::new().await;
    let (id, head) = protected(&mut platform).await;
    let process = platform.process();
    let keyed = || {
        let mut keyed = request();
        keyed.idempotency_key = Some("once".to_owned());
        keyed
    };
    let first = process
        .droplet(&request(), id, tag("a"))
        .await
        .expect("it is accepted");
    let same = process
        .droplet(&keyed(), id, tag("a"))
        .await
        .expect("it is so already");
    assert_eq!(sequence(&platform.pool()).await, Position(head.0 + 1));
    go_back(&platform.pool(), Position(head.0 + 1), Reason::Timeline).await;
    let again = process
        .droplet(&request(), id, DropletUpdate::Unprotect)
        .await;
    let again = again.expect("it is accepted");
    assert_eq!(first.streams, same.streams);
    assert_eq!(again.streams, [(id.into(), Version(4))]);
    assert_ne!(again.incarnation, first.incarnation);
}

#[tokio::test]
async fn a_snapshot_of_a_state_that_was_lost_is_not_stored() {
    let mut platform = Platform::new().await;
    let (id, kept) = protected(&mut platform).await;
    let before = platform.database.incarnation();
    go_back(&platform.pool(), kept, Reason::Timeline).await;
    let now = incarnation::ensure(&platform.pool())
        .await
        .expect("it is noticed")
        .current()
        .id;
    let lost = Snapshot::of(&Droplet::Failed).expect("it is JSON");
    let pool = platform.pool();
    let saved = snapshot::save(&pool, before, id.into(), Version(2), &lost).await;
    saved.expect_err("it is refused");
    let stored = snapshot::load::<Droplet>(&pool, now, id.into()).await;
    assert_eq!(stored.expect("Postgres answers"), None);
}
