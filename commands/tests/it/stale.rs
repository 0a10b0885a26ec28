//! What a process remembers may be old. It may cost a conflict; it must never show in an answer.

use domain::droplet::DropletUpdate;
use event_store::envelope::Version;

use crate::support::{Platform, active, code, droplet, failed, new_job, request, tag};

#[tokio::test]
async fn a_command_that_only_an_old_state_would_refuse_is_accepted() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let id = new.id;
    one.provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    one.droplet(&request(), id, DropletUpdate::Protect)
        .await
        .expect("it is accepted");
    two.droplet(&request(), id, DropletUpdate::Unprotect)
        .await
        .expect("it is accepted");
    // The first process remembers the droplet as protected.
    let deleted = one.delete_droplet(&request(), id, new_job()).await;
    assert_eq!(
        deleted.expect("it is unprotected").streams,
        [(id.into(), Version(4))]
    );
}

#[tokio::test]
async fn a_command_that_an_old_state_finds_done_already_is_done() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let id = new.id;
    one.provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    two.droplet(&request(), id, DropletUpdate::Protect)
        .await
        .expect("it is accepted");
    // The first process remembers the droplet as unprotected.
    let receipt = one.droplet(&request(), id, DropletUpdate::Unprotect).await;
    assert_eq!(
        receipt.expect("it is accepted").streams,
        [(id.into(), Version(3))]
    );
}

#[tokio::test]
async fn a_command_that_only_an_old_state_would_accept_is_refused() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let id = new.id;
    one.provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    two.droplet(&request(), id, failed())
        .await
        .expect("it is accepted");
    assert_eq!(
        code(one.droplet(&request(), id, active()).await),
        "DROPLET_FAILED"
    );
    assert_eq!(
        code(one.droplet(&request(), id, tag("a")).await),
        "DROPLET_FAILED"
    );
}

#[tokio::test]
async fn nothing_to_do_names_the_version_at_which_it_was_so() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let id = new.id;
    one.provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    two.droplet(&request(), id, tag("a"))
        .await
        .expect("it is accepted");
    let receipt = one
        .droplet(&request(), id, tag("a"))
        .await
        .expect("it is so already");
    assert_eq!(receipt.streams, [(id.into(), Version(2))]);
}
