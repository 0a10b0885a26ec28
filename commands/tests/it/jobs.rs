//! Jobs, and the droplets they concern.

use commands::job::NewJob;
use domain::ids::DropletId;
use domain::job::{JobSubject, JobUpdate, Runner};
use domain::name::{ClusterName, WorkerName};
use event_store::envelope::Version;
use uuid::Uuid;

use crate::support::{
    Platform, active, code, droplet, job_on, new_job, platform_droplet, rejected, request,
};

#[tokio::test]
async fn a_platform_droplet_comes_with_the_jobs_that_make_and_remove_it() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = platform_droplet("web");
    let (id, provision, deprovision) = (new.id, new.job, new_job());
    let receipt = commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    let both = vec![(id.into(), Version(1)), (provision.into(), Version(1))];
    assert_eq!(receipt.streams, both);
    let receipt = commands.delete_droplet(&request(), id, deprovision).await;
    let both = vec![(id.into(), Version(2)), (deprovision.into(), Version(1))];
    assert_eq!(receipt.expect("it is accepted").streams, both);
    for (job, kind) in [(provision, "provision"), (deprovision, "deprovision")] {
        let submitted = platform.events(job).await.remove(0);
        let data: serde_json::Value = serde_json::from_str(&submitted.data).expect("it is JSON");
        assert_eq!(
            (&data["kind"], &data["runner"]),
            (&kind.into(), &"PLATFORM".into())
        );
        assert_eq!(data["subject"]["droplet"], id.to_string());
    }
}

#[tokio::test]
async fn an_agents_droplet_comes_without_jobs() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let id = new.id;
    let receipt = commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    assert_eq!(receipt.streams, [(id.into(), Version(1))]);
    commands
        .droplet(&request(), id, active())
        .await
        .expect("it is accepted");
    let receipt = commands.delete_droplet(&request(), id, new_job()).await;
    assert_eq!(
        receipt.expect("it is accepted").streams,
        [(id.into(), Version(3))]
    );
    assert_eq!(platform.count().await, 3);
}

#[tokio::test]
async fn a_job_is_submitted_for_a_droplet_that_exists_or_for_a_cluster() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let new = droplet("web");
    let job = job_on(new.id, Runner::Agent);
    one.provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    // Also by a process that has never heard of the droplet.
    two.submit_job(&request(), new_job(), job.clone())
        .await
        .expect("the droplet exists");

    let unknown = job_on(DropletId::new(Uuid::now_v7()), Runner::Agent);
    let refused = rejected(two.submit_job(&request(), new_job(), unknown).await);
    assert_eq!(
        (&*refused.code, refused.field.as_deref()),
        ("DROPLET_NOT_FOUND", Some("target.droplet"))
    );

    let cluster = ClusterName::parse("blue").expect("a name");
    let for_cluster = NewJob {
        subject: JobSubject::Cluster(cluster),
        ..job
    };
    two.submit_job(&request(), new_job(), for_cluster)
        .await
        .expect("clusters are only names");
}

#[tokio::test]
async fn an_agents_job_runs_to_its_end() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let (job, spec) = (new_job(), job_on(new.id, Runner::Agent));
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    commands
        .submit_job(&request(), job, spec)
        .await
        .expect("it is accepted");
    let worker = WorkerName::parse("openb-pod-0001").expect("a name");
    for command in [
        JobUpdate::Start { worker },
        JobUpdate::Progress {
            percent: 50,
            message: None,
        },
        JobUpdate::Succeed { result: None },
    ] {
        commands
            .job(&request(), job, command)
            .await
            .expect("it is accepted");
    }
    let cancel = JobUpdate::Cancel {
        reason: "late".to_owned(),
    };
    assert_eq!(
        code(commands.job(&request(), job, cancel).await),
        "JOB_FINISHED"
    );
    let history = platform.history(job).await;
    assert_eq!(
        history,
        [
            "job_submitted",
            "job_started",
            "job_progressed",
            "job_succeeded"
        ]
    );
}
