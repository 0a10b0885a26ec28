//! A command sent again has one effect.

use commands::droplet::NewDroplet;
use commands::error::CommandError;
use domain::droplet::DropletUpdate;
use domain::ids::{DropletId, JobId};
use domain::job::Runner;
use uuid::Uuid;

use crate::support::{
    Platform, by_process, code, droplet, job_on, keyed, new_job, platform_droplet, tag,
};

/// The same request as the API makes it anew: with other ids.
fn again(new: &NewDroplet) -> NewDroplet {
    NewDroplet {
        id: DropletId::new(Uuid::now_v7()),
        job: JobId::new(Uuid::now_v7()),
        ..new.clone()
    }
}

#[tokio::test]
async fn the_same_key_gives_the_first_receipt_and_no_second_effect() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = platform_droplet("web");
    let first = commands.provision_droplet(&keyed("k"), new.clone()).await;
    let first = first.expect("it is accepted");
    let events = platform.count().await;
    for process in [commands, platform.process()] {
        let second = process.provision_droplet(&keyed("k"), again(&new)).await;
        assert_eq!(second.expect("it is known"), first);
    }
    assert_eq!(first.subject(), new.id.into());
    assert_eq!(platform.count().await, events);
}

#[tokio::test]
async fn the_same_key_for_something_else_is_an_error() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let first = commands.provision_droplet(&keyed("k"), new.clone()).await;
    first.expect("it is accepted");
    for other in [droplet("db"), platform_droplet("web")] {
        let second = commands.provision_droplet(&keyed("k"), other).await;
        assert!(matches!(second, Err(CommandError::KeyReused)), "{second:?}");
    }
    // Another use case, also where it has nothing to do.
    let other = commands
        .droplet(&keyed("k"), new.id, DropletUpdate::Unprotect)
        .await;
    assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
    assert_eq!(platform.count().await, 1);
}

#[tokio::test]
async fn two_at_once_have_one_effect() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    for round in 0..10 {
        let key = keyed(&format!("k{round}"));
        let new = platform_droplet(&format!("web{round}"));
        let (first, second) = tokio::join!(
            one.provision_droplet(&key, new.clone()),
            two.provision_droplet(&key, again(&new)),
        );
        assert_eq!(first.expect("one is first"), second.expect("one is second"));
    }
    assert_eq!(platform.count().await, 20, "a droplet and a job a round");
}

#[tokio::test]
async fn a_repeated_command_is_known_even_where_its_first_run_made_it_illegal() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let id = new.id;
    commands
        .provision_droplet(&keyed("new"), new)
        .await
        .expect("it is accepted");
    let key = keyed("delete");
    let delete = || commands.delete_droplet(&key, id, new_job());
    let first = delete().await.expect("it is accepted");
    assert_eq!(delete().await.expect("it is known"), first);
    let unkeyed = commands.delete_droplet(&by_process(), id, new_job()).await;
    assert_eq!(code(unkeyed), "DROPLET_BEING_DELETED");
}

#[tokio::test]
async fn a_repeated_command_is_known_even_where_its_first_run_left_nothing_to_do() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let id = new.id;
    one.provision_droplet(&keyed("new"), new)
        .await
        .expect("it is accepted");
    let first = one
        .droplet(&keyed("tag"), id, tag("a"))
        .await
        .expect("it is accepted");
    one.droplet(&keyed("other"), id, tag("b"))
        .await
        .expect("it is accepted");
    for process in [one, two] {
        let second = process.droplet(&keyed("tag"), id, tag("a")).await;
        assert_eq!(second.expect("it is known"), first);
    }
}

#[tokio::test]
async fn a_command_that_found_nothing_to_do_uses_up_its_key() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let id = new.id;
    one.provision_droplet(&keyed("new"), new)
        .await
        .expect("it is accepted");
    one.droplet(&keyed("first"), id, DropletUpdate::Protect)
        .await
        .expect("it is accepted");
    let nothing = one
        .droplet(&keyed("k"), id, DropletUpdate::Protect)
        .await
        .expect("it is protected already");
    one.droplet(&keyed("other"), id, DropletUpdate::Unprotect)
        .await
        .expect("it is accepted");
    let events = platform.count().await;
    for process in [&one, &two] {
        let again = process
            .droplet(&keyed("k"), id, DropletUpdate::Protect)
            .await;
        assert_eq!(again.expect("it is known"), nothing);
        let other = process.droplet(&keyed("k"), id, tag("a")).await;
        assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
    }
    assert_eq!(platform.count().await, events);
}

#[tokio::test]
async fn keys_of_different_organizations_and_sources_do_not_meet() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let of = |org: &str| commands::context::Context {
        idempotency_key: Some("k".to_owned()),
        ..crate::support::request_of(org)
    };
    for org in ["acme", "other"] {
        let done = commands.provision_droplet(&of(org), droplet("web")).await;
        done.expect("each organization has its own keys");
    }
    let mut process = by_process();
    process.idempotency_key = Some("k".to_owned());
    let done = commands.provision_droplet(&process, droplet("db")).await;
    done.expect("a client cannot use up the keys of a process");
}

#[tokio::test]
async fn a_job_s_parameters_are_part_of_the_request() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let mut job = job_on(new.id, Runner::Agent);
    commands
        .provision_droplet(&keyed("new"), new)
        .await
        .expect("it is accepted");
    let first = commands
        .submit_job(&keyed("job"), new_job(), job.clone())
        .await;
    let first = first.expect("it is accepted");
    let second = commands
        .submit_job(&keyed("job"), new_job(), job.clone())
        .await;
    assert_eq!(second.expect("it is known"), first);
    job.parameters.insert("gpus".to_owned(), 2.into());
    let third = commands.submit_job(&keyed("job"), new_job(), job).await;
    assert!(matches!(third, Err(CommandError::KeyReused)), "{third:?}");
}

#[tokio::test]
async fn a_key_that_cannot_be_stored_is_refused() {
    let mut platform = Platform::new().await;
    let refused = platform
        .process()
        .provision_droplet(&keyed("a\0b"), droplet("web"))
        .await;
    assert_eq!(code(refused), "INVALID_IDEMPOTENCY_KEY");
}
