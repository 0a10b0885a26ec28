//! Names are unique among the live droplets of an organization.

use domain::droplet::DropletUpdate;
use domain::ids::DropletId;

use crate::support::{
    Platform, by_process, code, droplet, failed, new_job, platform_droplet, rejected, rename,
    request,
};

#[tokio::test]
async fn of_two_droplets_that_want_one_name_at_once_exactly_one_gets_it() {
    let mut platform = Platform::new().await;
    // The last is the same process again, whose commands go into one statement.
    let one = platform.process();
    let processes = [one.clone(), platform.process(), platform.process(), one];
    for round in 0..10 {
        let name = format!("web{round}");
        let request = request();
        let asked = processes.each_ref().map(|process| async {
            process
                .provision_droplet(&request, platform_droplet(&name))
                .await
        });
        let [a, b, c, d] = asked;
        let (a, b, c, d) = tokio::join!(a, b, c, d);
        let (won, lost): (Vec<_>, Vec<_>) = [a, b, c, d].into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 3));
        for refused in lost {
            let refused = rejected(refused);
            assert_eq!(
                (&*refused.code, refused.field.as_deref()),
                ("NAME_TAKEN", Some("name"))
            );
            assert!(refused.message.contains(&name), "{refused}");
        }
    }
    assert_eq!(
        platform.count().await,
        20,
        "the losers wrote neither droplet nor job"
    );
}

#[tokio::test]
async fn a_name_is_free_again_after_failure_and_after_deletion() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let provision = || async {
        let new = droplet("web");
        let id = new.id;
        commands
            .provision_droplet(&request(), new)
            .await
            .map(|_| id)
    };
    let first: DropletId = provision().await.expect("the name is free");
    commands
        .droplet(&request(), first, failed())
        .await
        .expect("it is accepted");

    let second = provision().await.expect("the name is free after a failure");
    commands
        .delete_droplet(&request(), second, new_job())
        .await
        .expect("it is accepted");
    let too_early = commands.provision_droplet(&request(), droplet("web")).await;
    assert_eq!(code(too_early), "NAME_TAKEN");
    let deleted = commands
        .droplet(&request(), second, DropletUpdate::ReportDeleted)
        .await;
    deleted.expect("it is accepted");

    provision()
        .await
        .expect("the name is free after a deletion");
}

#[tokio::test]
async fn a_rename_takes_the_new_name_and_gives_the_old_one_back() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let (web, db) = (droplet("web"), droplet("db"));
    let (web_id, db_id) = (web.id, db.id);
    commands
        .provision_droplet(&request(), web)
        .await
        .expect("it is accepted");
    commands
        .provision_droplet(&request(), db)
        .await
        .expect("it is accepted");

    let taken = commands.droplet(&request(), web_id, rename("db")).await;
    assert_eq!(code(taken), "NAME_TAKEN");
    commands
        .droplet(&request(), web_id, rename("app"))
        .await
        .expect("it is free");
    commands
        .droplet(&request(), db_id, rename("web"))
        .await
        .expect("it was given back");
    commands
        .droplet(&request(), web_id, rename("db"))
        .await
        .expect("it was given back");
}

#[tokio::test]
async fn a_rename_that_another_process_did_already_is_nothing_to_do() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let id = new.id;
    one.provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    let renamed = two
        .droplet(&request(), id, rename("app"))
        .await
        .expect("it is free");
    // The first process still believes in the old name, and the new one is taken: by the droplet.
    let again = one.droplet(&request(), id, rename("app")).await;
    assert_eq!(again.expect("it is so already"), renamed);
}

#[tokio::test]
async fn a_refused_command_leaves_nothing_of_any_stream() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = platform_droplet("web");
    let (id, job) = (new.id, new.job);
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");

    let refused = platform_droplet("web");
    let (refused_id, refused_job) = (refused.id, refused.job);
    let taken = commands.provision_droplet(&request(), refused).await;
    assert_eq!(code(taken), "NAME_TAKEN");
    assert!(platform.history(refused_id).await.is_empty());
    assert!(platform.history(refused_job).await.is_empty());

    // The job's id is in use, so the droplet's deletion is not requested either.
    let refused = commands.delete_droplet(&request(), id, job).await;
    assert_eq!(code(refused), "JOB_ALREADY_EXISTS");
    assert_eq!(platform.history(id).await, ["droplet_requested"]);
    assert_eq!(platform.history(job).await, ["job_submitted"]);

    // By its own id it works, and the failure left the name with the droplet.
    let active = DropletUpdate::ReportFailed {
        reason: "none".to_owned(),
    };
    commands
        .droplet(&by_process(), id, active)
        .await
        .expect("it is accepted");
    commands
        .provision_droplet(&request(), droplet("web"))
        .await
        .expect("the name is free");
}
