//! The platform makes and removes the machines of its droplets.
//!
//! What follows the log works until the very end of a test. On one thread, dropping the database
//! would block it in the middle of opening a connection, and Postgres would wait for that one to
//! time out before it drops the database; so these tests have a second thread.

use std::collections::BTreeSet;
use std::time::Duration;

use commands::execute::Commands;
use commands::process::job_runner::{self, Simulation, TodoList};
use domain::ids::{DropletId, JobId};
use domain::job::{JobUpdate, Runner};
use event_store::codec;
use event_store::consume::consumer::{self, Consumer};
use event_store::consume::source::LogSource;
use event_store::consume::wake::{POLL, Signal, Wake};
use event_store::envelope::RequestSource;
use event_store::lease;
use event_store::log::sequencer::Sequencer;
use serde_json::Value;
use sqlx::PgPool;
use testkit::wait;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Platform, droplet, job_on, new_job, platform_droplet, request};

const SURE: Simulation = Simulation {
    step_delay: Duration::ZERO,
    failure_rate: 0.0,
};

const PROVISIONED: [&str; 7] = [
    "job_submitted",
    "job_started",
    "job_progressed",
    "job_progressed",
    "job_progressed",
    "job_progressed",
    "job_succeeded",
];

/// Sequences the log and keeps the to-do list; gives the list's signal.
async fn follow(platform: &mut Platform) -> Signal {
    let todo = Signal::new();
    let (pool, wake) = (platform.pool(), platform.wake.clone());
    let lease = lease::acquire(&pool, "sequencer", "test")
        .await
        .expect("Postgres answers");
    let lease = lease.expect("the lease is free");
    let sequencer = Sequencer::take_over(pool.clone(), &lease)
        .await
        .expect("the log is free");
    platform.tasks.spawn(sequence(sequencer, wake.clone()));
    let list = TodoList::new(todo.clone());
    platform.tasks.spawn(async move {
        let (name, types) = (list.name(), list.stream_types());
        let mut source = LogSource::new(pool.clone(), name, types, wake.sequenced, POLL);
        consumer::run(pool, &list, &mut source, CancellationToken::new()).await;
    });
    todo
}

async fn sequence(mut sequencer: Sequencer, wake: Wake) {
    loop {
        let seen = wake.appended.value();
        let step = sequencer.step().await.expect("the log is ours");
        wake.sequenced.raise_to(step.head.0);
        if !step.more {
            wake.appended.above(seen, POLL).await;
        }
    }
}

/// Runs the platform's own runner, until the token is cancelled.
fn run(platform: &mut Platform, simulation: Simulation, todo: Signal) -> CancellationToken {
    let stop = CancellationToken::new();
    let (pool, commands) = (platform.pool(), platform.process());
    let runner = job_runner::run(pool, commands, simulation, todo, 4, stop.clone());
    platform.tasks.spawn(runner);
    stop
}

async fn until_ended(platform: &Platform, job: JobId) -> String {
    wait::until("the job has ended", || async {
        let last = platform.history(job).await.pop()?;
        let ends = ["job_succeeded", "job_failed", "job_cancelled"];
        ends.contains(&last.as_str()).then_some(last)
    })
    .await
}

async fn until_nothing_is_to_do(pool: &PgPool) {
    wait::until("the to-do list is empty", || async {
        let left: i64 = sqlx::query_scalar("select count(*) from process.todo")
            .fetch_one(pool)
            .await
            .expect("Postgres answers");
        (left == 0).then_some(())
    })
    .await;
}

async fn provision(commands: &Commands, name: &str) -> (DropletId, JobId) {
    let new = platform_droplet(name);
    let ids = (new.id, new.job);
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_droplet_is_made_and_removed_again() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let todo = follow(&mut platform).await;
    run(&mut platform, SURE, todo);
    let (id, provision) = provision(&commands, "web").await;
    assert_eq!(until_ended(&platform, provision).await, "job_succeeded");
    assert_eq!(
        platform.history(id).await,
        ["droplet_requested", "droplet_activated"]
    );
    assert_eq!(platform.history(provision).await, PROVISIONED);

    let deprovision = new_job();
    commands
        .delete_droplet(&request(), id, deprovision)
        .await
        .expect("it is accepted");
    assert_eq!(until_ended(&platform, deprovision).await, "job_succeeded");
    assert_eq!(platform.history(deprovision).await, PROVISIONED);
    let history = platform.history(id).await;
    assert_eq!(
        history[2..],
        ["droplet_deletion_requested", "droplet_deleted"]
    );
    until_nothing_is_to_do(&platform.pool()).await;
    let machines: i64 = sqlx::query_scalar("select count(*) from process.simulated_machines")
        .fetch_one(&platform.pool())
        .await
        .expect("Postgres answers");
    assert_eq!(machines, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_reported_in_steps_and_says_why_it_happened() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let todo = follow(&mut platform).await;
    run(&mut platform, SURE, todo);
    let (_, job) = provision(&commands, "web").await;
    until_ended(&platform, job).await;
    let events = platform.events(job).await;
    let data = |event: &event_store::envelope::StoredEvent| -> Value {
        serde_json::from_str(&event.data).expect("it is JSON")
    };
    let progress: Vec<_> = events[2..6].iter().map(data).collect();
    let expected = [
        (10, "placed"),
        (30, "creating"),
        (75, "booting"),
        (100, "ready"),
    ];
    for (data, (percent, message)) in progress.iter().zip(expected) {
        assert_eq!(
            (&data["percent"], &data["message"]),
            (&percent.into(), &message.into())
        );
    }
    let submitted = codec::decode(&events[0]).expect("it decodes");
    let mut command_ids = BTreeSet::new();
    for event in &events[1..] {
        let event = codec::decode(event).expect("it decodes");
        assert_eq!(event.metadata.source, RequestSource::Process);
        assert_eq!(event.metadata.actor, "platform");
        assert_eq!(event.metadata.causation_id, Some(submitted.event_id));
        assert_eq!(
            event.metadata.correlation_id,
            submitted.metadata.correlation_id
        );
        command_ids.insert(event.metadata.command_id.as_uuid());
    }
    assert_eq!(
        command_ids.len(),
        events.len() - 1,
        "every step is a command of its own"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_droplet_gets_addresses_of_its_own() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let todo = follow(&mut platform).await;
    // Two processes share the work.
    run(&mut platform, SURE, todo.clone());
    run(&mut platform, SURE, todo);
    let mut made = Vec::new();
    for n in 0..12 {
        made.push(provision(&commands, &format!("web{n}")).await);
    }
    let mut addresses = BTreeSet::new();
    for (id, job) in &made {
        until_ended(&platform, *job).await;
        assert_eq!(platform.history(*job).await, PROVISIONED);
        let activated = platform.events(*id).await.remove(1);
        let data: Value = serde_json::from_str(&activated.data).expect("it is JSON");
        for address in data["addresses"].as_array().expect("there are some") {
            addresses.insert(address["ip"].to_string());
        }
    }
    assert_eq!(addresses.len(), 2 * made.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_during_creation_turns_it_round() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let todo = follow(&mut platform).await;
    let slow = Simulation {
        step_delay: Duration::from_millis(100),
        failure_rate: 0.0,
    };
    run(&mut platform, slow, todo);
    let (id, provision) = provision(&commands, "web").await;
    wait::until("it is being made", || async {
        (platform.history(provision).await.len() >= 3).then_some(())
    })
    .await;
    let deprovision = new_job();
    commands
        .delete_droplet(&request(), id, deprovision)
        .await
        .expect("it is accepted");
    assert_eq!(until_ended(&platform, provision).await, "job_cancelled");
    assert_eq!(until_ended(&platform, deprovision).await, "job_succeeded");
    let history = platform.history(id).await;
    let expected = [
        "droplet_requested",
        "droplet_deletion_requested",
        "droplet_deleted",
    ];
    assert_eq!(history, expected);
    until_nothing_is_to_do(&platform.pool()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_before_creation_began_turns_it_round() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let (id, provision) = provision(&commands, "web").await;
    let deprovision = new_job();
    commands
        .delete_droplet(&request(), id, deprovision)
        .await
        .expect("it is accepted");
    let todo = follow(&mut platform).await;
    run(&mut platform, SURE, todo);
    assert_eq!(until_ended(&platform, provision).await, "job_cancelled");
    assert_eq!(until_ended(&platform, deprovision).await, "job_succeeded");
    assert_eq!(
        platform.history(provision).await,
        ["job_submitted", "job_cancelled"]
    );
    until_nothing_is_to_do(&platform.pool()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_everything_fails_droplets_fail_with_a_reason_and_free_their_names() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let todo = follow(&mut platform).await;
    let hopeless = Simulation {
        failure_rate: 1.0,
        ..SURE
    };
    run(&mut platform, hopeless, todo);
    let (id, job) = provision(&commands, "web").await;
    assert_eq!(until_ended(&platform, job).await, "job_failed");
    let history = platform.history(id).await;
    assert_eq!(
        history,
        ["droplet_requested", "droplet_provisioning_failed"]
    );
    let failed = platform.events(id).await.remove(1);
    assert!(failed.data.contains("no capacity"), "{}", failed.data);
    commands
        .provision_droplet(&request(), droplet("web"))
        .await
        .expect("the name is free");

    // Other work fails as well.
    let other = new_job();
    let submitted = commands
        .submit_job(&request(), other, job_on(id, Runner::Platform))
        .await;
    submitted.expect("it is accepted");
    assert_eq!(until_ended(&platform, other).await, "job_failed");
    until_nothing_is_to_do(&platform.pool()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_does_not_fail_even_where_everything_else_does() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let (id, _) = provision(&commands, "web").await;
    let deprovision = new_job();
    commands
        .delete_droplet(&request(), id, deprovision)
        .await
        .expect("it is accepted");
    let todo = follow(&mut platform).await;
    run(
        &mut platform,
        Simulation {
            failure_rate: 1.0,
            ..SURE
        },
        todo,
    );
    assert_eq!(until_ended(&platform, deprovision).await, "job_succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_work_of_the_platform_is_done_and_can_be_cancelled() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = droplet("web");
    let id = new.id;
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("it is accepted");
    let (done, cancelled) = (new_job(), new_job());
    for job in [done, cancelled] {
        let submitted = commands
            .submit_job(&request(), job, job_on(id, Runner::Platform))
            .await;
        submitted.expect("it is accepted");
    }
    let cancel = JobUpdate::Cancel {
        reason: "enough".to_owned(),
    };
    commands
        .job(&request(), cancelled, cancel)
        .await
        .expect("it is accepted");
    let todo = follow(&mut platform).await;
    run(&mut platform, SURE, todo);
    assert_eq!(until_ended(&platform, done).await, "job_succeeded");
    until_nothing_is_to_do(&platform.pool()).await;
    assert_eq!(
        platform.history(cancelled).await,
        ["job_submitted", "job_cancelled"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_that_stops_leaves_its_work_to_the_next() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let todo = follow(&mut platform).await;
    let (_, job) = provision(&commands, "web").await;
    let slow = Simulation {
        step_delay: Duration::from_secs(3_600),
        failure_rate: 0.0,
    };
    let (pool, process) = (platform.pool(), platform.process());
    let stop = CancellationToken::new();
    let runner = job_runner::run(pool, process, slow, todo.clone(), 1, stop.clone());
    let stopped = async {
        wait::until("the job has begun", || async {
            (platform.history(job).await.len() == 2).then_some(())
        })
        .await;
        stop.cancel();
    };
    tokio::join!(runner, stopped);
    // The claim was given up, so that the next does not wait for it to run out.
    let free: bool = sqlx::query_scalar("select free_at <= now() from process.todo")
        .fetch_one(&platform.pool())
        .await
        .expect("the job is on the list");
    assert!(free);
    run(&mut platform, SURE, todo);
    assert_eq!(until_ended(&platform, job).await, "job_succeeded");
    assert_eq!(platform.history(job).await, PROVISIONED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_to_do_for_a_job_that_has_ended_disappears() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let todo = follow(&mut platform).await;
    run(&mut platform, SURE, todo);
    let (id, job) = provision(&commands, "web").await;
    until_ended(&platform, job).await;
    until_nothing_is_to_do(&platform.pool()).await;
    // As if the event of the job's end had been parked.
    sqlx::query(
        "insert into process.todo \
             (job_id, org_id, droplet_id, kind, event_id, correlation_id, position) \
         values ($1, 'acme', $2, 'provision', $3, $3, 1)",
    )
    .bind(job.as_uuid())
    .bind(id.as_uuid())
    .bind(Uuid::now_v7())
    .execute(&platform.pool())
    .await
    .expect("Postgres answers");
    until_nothing_is_to_do(&platform.pool()).await;
    assert_eq!(
        platform.history(job).await,
        PROVISIONED,
        "and nothing was done again"
    );
}
