//! Streams of another organization look as if they did not exist.

use domain::droplet::DropletUpdate;
use domain::job::{JobUpdate, Runner};

use crate::support::{
    Platform, code, droplet, job_on, new_job, rejected, request, request_of, tag,
};

#[tokio::test]
async fn nothing_of_another_organization_can_be_seen_or_changed() {
    let mut platform = Platform::new().await;
    // The first process remembers the streams, the second has never heard of them.
    let processes = [platform.process(), platform.process()];
    let new = droplet("web");
    let (id, job) = (new.id, new_job());
    let spec = job_on(id, Runner::Agent);
    processes[0]
        .provision_droplet(&request(), new.clone())
        .await
        .expect("it is accepted");
    processes[0]
        .submit_job(&request(), job, spec.clone())
        .await
        .expect("it is accepted");
    let stranger = request_of("other");
    for commands in processes {
        for command in [tag("a"), DropletUpdate::Protect, DropletUpdate::Unprotect] {
            let refused = commands.droplet(&stranger, id, command).await;
            assert_eq!(code(refused), "DROPLET_NOT_FOUND");
        }
        let refused = commands.delete_droplet(&stranger, id, new_job()).await;
        assert_eq!(code(refused), "DROPLET_NOT_FOUND");
        let refused = rejected(
            commands
                .submit_job(&stranger, new_job(), spec.clone())
                .await,
        );
        assert_eq!(
            (&*refused.code, refused.field.as_deref()),
            ("DROPLET_NOT_FOUND", Some("target.droplet"))
        );
        let cancel = JobUpdate::Cancel {
            reason: "mine".to_owned(),
        };
        assert_eq!(
            code(commands.job(&stranger, job, cancel).await),
            "JOB_NOT_FOUND"
        );
        // Not even by its id can it be taken over.
        let overwritten = commands.provision_droplet(&stranger, new.clone()).await;
        assert!(overwritten.is_err(), "{overwritten:?}");
    }
    assert_eq!(platform.history(id).await, ["droplet_requested"]);
    assert_eq!(platform.history(job).await, ["job_submitted"]);
}

#[tokio::test]
async fn every_organization_has_names_of_its_own() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    for org in ["acme", "other"] {
        let done = commands
            .provision_droplet(&request_of(org), droplet("web"))
            .await;
        done.expect("the name is free in each organization");
    }
    let taken = commands
        .provision_droplet(&request_of("other"), droplet("web"))
        .await;
    assert_eq!(code(taken), "NAME_TAKEN");
}

#[tokio::test]
async fn a_droplets_id_does_not_open_a_job() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let id = new.id;
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    let cancel = JobUpdate::Cancel {
        reason: "which?".to_owned(),
    };
    let job = domain::ids::JobId::new(id.as_uuid());
    assert_eq!(
        code(commands.job(&request(), job, cancel).await),
        "JOB_NOT_FOUND"
    );
}
