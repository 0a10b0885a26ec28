//! What the platform runs, only the platform reports on.

use commands::job::NewJob;
use domain::droplet::DropletUpdate;
use domain::job::{JobUpdate, Runner};
use domain::name::{JobKind, WorkerName};

use crate::support::{
    Platform, active, by_process, code, droplet, failed, job_on, new_job, platform_droplet,
    rejected, request,
};

fn reports() -> [JobUpdate; 4] {
    let worker = WorkerName::parse("me").expect("a name");
    [
        JobUpdate::Start { worker },
        JobUpdate::Progress {
            percent: 10,
            message: None,
        },
        JobUpdate::Succeed { result: None },
        JobUpdate::Fail {
            error: "no".to_owned(),
        },
    ]
}

fn cancel() -> JobUpdate {
    JobUpdate::Cancel {
        reason: "enough".to_owned(),
    }
}

#[tokio::test]
async fn a_client_does_not_report_on_a_platform_droplet() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = platform_droplet("web");
    let id = new.id;
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    for report in [active(), failed(), DropletUpdate::ReportDeleted] {
        let refused = commands.droplet(&request(), id, report).await;
        assert_eq!(code(refused), "DROPLET_RUN_BY_PLATFORM");
    }
    let by_platform = commands.droplet(&by_process(), id, failed()).await;
    by_platform.expect("the platform may");
}

#[tokio::test]
async fn a_client_neither_submits_nor_runs_nor_cancels_provisioning() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = platform_droplet("web");
    let (id, job) = (new.id, new.job);
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    for report in reports() {
        let refused = commands.job(&request(), job, report).await;
        assert_eq!(code(refused), "JOB_RUN_BY_PLATFORM");
    }
    let refused = rejected(commands.job(&request(), job, cancel()).await);
    assert_eq!(refused.code, "PROVISIONING_NOT_CANCELLABLE");
    assert!(
        refused.message.contains("delete the droplet instead"),
        "{refused}"
    );
    for kind in ["provision", "deprovision"] {
        let kind = JobKind::parse(kind).expect("a kind");
        let of_platform = NewJob {
            kind,
            ..job_on(id, Runner::Platform)
        };
        let refused = rejected(
            commands
                .submit_job(&request(), new_job(), of_platform.clone())
                .await,
        );
        assert_eq!(
            (&*refused.code, refused.field.as_deref()),
            ("RESERVED_JOB_KIND", Some("kind"))
        );
        let of_agent = NewJob {
            runner: Runner::Agent,
            ..of_platform
        };
        let accepted = commands.submit_job(&request(), new_job(), of_agent).await;
        accepted.expect("an agent's job may be called anything");
    }
}

#[tokio::test]
async fn a_client_cancels_ordinary_work_of_the_platform_but_does_not_run_it() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let (id, job) = (new.id, new_job());
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    let submitted = commands
        .submit_job(&request(), job, job_on(id, Runner::Platform))
        .await;
    submitted.expect("it is accepted");
    for report in reports() {
        let refused = commands.job(&request(), job, report).await;
        assert_eq!(code(refused), "JOB_RUN_BY_PLATFORM");
    }
    commands
        .job(&request(), job, cancel())
        .await
        .expect("it is accepted");
    // The end explains more than who runs it.
    assert_eq!(
        code(commands.job(&request(), job, cancel()).await),
        "JOB_FINISHED"
    );
}
