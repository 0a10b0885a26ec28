//! A worker that is stopped after any of its commands leaves a job that the next one finishes in
//! the same way; two at once do so too.

use std::time::Duration;

use chrono::DateTime;
use domain::droplet::Provisioner;
use domain::ids::{CorrelationId, JobId, OrgId};
use domain::name::DropletName;
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use event_store::consume::wake::Wake;
use event_store::envelope::{StreamId, Version};
use event_store::incarnation::Incarnations;
use event_store::log;
use event_store::write::group::Appender;
use testkit::postgres::TestDatabase;
use tokio::task::JoinSet;

use super::*;
use crate::droplet::NewDroplet;

const SURE: Simulation = Simulation {
    step_delay: Duration::ZERO,
    failure_rate: 0.0,
};
const HOPELESS: Simulation = Simulation {
    failure_rate: 1.0,
    ..SURE
};

/// A database with one PLATFORM droplet, and the workers on it.
struct World {
    database: TestDatabase,
    processes: JoinSet<()>,
    droplet: DropletId,
    job: JobId,
}

impl World {
    async fn new() -> Self {
        let (droplet, job) = (DropletId::new(unique()), JobId::new(unique()));
        let mut world = Self {
            database: TestDatabase::new().await,
            processes: JoinSet::new(),
            droplet,
            job,
        };
        let new = NewDroplet {
            id: droplet,
            job,
            name: DropletName::parse("web").expect("a good name"),
            size: SizeSlug::parse("s-1vcpu-1gb").expect("a slug"),
            region: RegionSlug::parse("nyc3").expect("a slug"),
            image: ImageSlug::parse("ubuntu-24-04-x64").expect("a slug"),
            tags: Vec::new(),
            cluster: None,
            provisioner: Provisioner::Platform,
        };
        let provisioned = world.commands().provision_droplet(&request(), new).await;
        provisioned.expect("it is accepted");
        world
    }

    /// Commands as a process that was started just now carries them out.
    fn commands(&mut self) -> Commands {
        let (appender, group) = Appender::new(self.database.pool(), Wake::default());
        self.processes.spawn(group.run());
        Commands::new(
            self.database.pool(),
            appender,
            Incarnations::of(self.database.pool()),
        )
    }

    fn worker(&mut self, simulation: Simulation) -> Worker {
        let commands = self.commands();
        Worker::new(self.database.pool(), commands, simulation)
    }

    async fn delete(&mut self) -> JobId {
        let (droplet, job) = (self.droplet, JobId::new(unique()));
        let deleted = self
            .commands()
            .delete_droplet(&request(), droplet, job)
            .await;
        deleted.expect("it is accepted");
        job
    }

    fn item(&self, job: JobId, kind: &str) -> Item {
        Item {
            job,
            org: request().org,
            droplet: Some(self.droplet),
            kind: kind.to_owned(),
            event: domain::ids::EventId::derive(job.as_uuid(), 1),
            correlation_id: request().correlation_id,
            failures: 0,
        }
    }

    async fn history(&self, stream: impl Into<StreamId>) -> Vec<(String, String)> {
        let events = log::read_stream(&self.database.pool(), stream.into(), Version::NONE).await;
        let events = events.expect("Postgres answers");
        events
            .into_iter()
            .map(|event| (event.event_type, event.data))
            .collect()
    }

    /// How many machines the provider has.
    async fn machines(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from process.simulated_machines");
        let pool = self.database.pool();
        count.fetch_one(&pool).await.expect("Postgres answers")
    }

    /// What the job and the droplet went through.
    async fn end(&self, job: JobId) -> [Vec<(String, String)>; 2] {
        [self.history(job).await, self.history(self.droplet).await]
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are an edge: ids enter here"
)]
fn unique() -> Uuid {
    Uuid::now_v7()
}

fn request() -> Context {
    Context {
        org: OrgId::parse("acme").expect("a good name"),
        actor: "ann".to_owned(),
        credential: None,
        command_id: CommandId::new(Uuid::nil()),
        correlation_id: CorrelationId::new(Uuid::nil()),
        causation_id: None,
        traceparent: None,
        source: RequestSource::Api,
        occurred_at: DateTime::UNIX_EPOCH,
        idempotency_key: None,
    }
}

/// The stored names, without what was stored.
fn names(history: &[(String, String)]) -> Vec<&str> {
    history.iter().map(|(name, _)| name.as_str()).collect()
}

/// Lets a worker take so many steps and vanish, and another one finish; gives what came of it.
async fn with_a_crash(
    world: &mut World,
    item: &Item,
    simulation: Simulation,
    steps: usize,
) -> [Vec<(String, String)>; 2] {
    let first = world.worker(simulation);
    for _ in 0..steps {
        let ended = first.advance(item).await.expect("the step is taken");
        assert_eq!(ended, None);
    }
    let second = world.worker(simulation);
    let worked = second.work(item).await.expect("it is finished");
    assert_eq!(worked, Worked::ToItsEnd);
    // The first one was not dead but slow, and finds nothing left to do.
    let again = first.advance(item).await.expect("it may look again");
    assert_eq!(again, Some(Worked::ToItsEnd));
    world.end(item.job).await
}

#[tokio::test]
async fn a_crash_between_any_two_steps_of_provisioning_changes_nothing() {
    let commands = 7; // start, four times progress, active, succeed
    for steps in 0..=commands {
        let mut world = World::new().await;
        let item = world.item(world.job, PROVISION);
        let [job, droplet] = with_a_crash(&mut world, &item, SURE, steps).await;
        let progress = "job_progressed";
        let expected = [
            "job_submitted",
            "job_started",
            progress,
            progress,
            progress,
            progress,
            "job_succeeded",
        ];
        assert_eq!(names(&job), expected, "after {steps} steps");
        assert_eq!(names(&droplet), ["droplet_requested", "droplet_activated"]);
        assert!(droplet[1].1.contains("100.64.0.1"), "{}", droplet[1].1);
        assert!(job[6].1.contains("100.64.0.1"), "{}", job[6].1);
    }
}

#[tokio::test]
async fn a_crash_between_any_two_steps_of_a_failure_changes_nothing() {
    let commands = 5; // start, twice progress, failed, fail
    for steps in 0..=commands {
        let mut world = World::new().await;
        let item = world.item(world.job, PROVISION);
        let [job, droplet] = with_a_crash(&mut world, &item, HOPELESS, steps).await;
        let expected = [
            "job_submitted",
            "job_started",
            "job_progressed",
            "job_progressed",
            "job_failed",
        ];
        assert_eq!(names(&job), expected, "after {steps} steps");
        assert_eq!(
            names(&droplet),
            ["droplet_requested", "droplet_provisioning_failed"]
        );
    }
}

#[tokio::test]
async fn a_crash_between_any_two_steps_of_a_deletion_changes_nothing() {
    let commands = 7; // start, four times progress, deleted, succeed
    for steps in 0..=commands {
        let mut world = World::new().await;
        let provision = world.item(world.job, PROVISION);
        let made = world.worker(SURE).work(&provision).await;
        assert_eq!(made.expect("it is made"), Worked::ToItsEnd);
        let job = world.delete().await;
        let item = world.item(job, DEPROVISION);
        let [job, droplet] = with_a_crash(&mut world, &item, SURE, steps).await;
        assert_eq!(
            (job.len(), names(&job)[6]),
            (7, "job_succeeded"),
            "after {steps} steps"
        );
        let droplet = names(&droplet);
        assert_eq!(
            droplet[2..],
            ["droplet_deletion_requested", "droplet_deleted"]
        );
    }
}

#[tokio::test]
async fn a_deletion_between_any_two_steps_of_provisioning_turns_it_round() {
    let steps_until_active = 6;
    for steps in 0..=steps_until_active {
        let mut world = World::new().await;
        let provision = world.item(world.job, PROVISION);
        let worker = world.worker(SURE);
        for _ in 0..steps {
            worker.advance(&provision).await.expect("the step is taken");
        }
        let job = world.delete().await;
        let deprovision = world.item(job, DEPROVISION);
        let ended = worker.work(&provision).await.expect("it ends");
        assert_eq!(ended, Worked::ToItsEnd);
        let deleted = worker.work(&deprovision).await.expect("it ends");
        assert_eq!(deleted, Worked::ToItsEnd);
        let provisioning = world.history(world.job).await;
        assert_eq!(
            names(&provisioning).pop(),
            Some("job_cancelled"),
            "after {steps} steps"
        );
        let [deprovisioning, droplet] = world.end(job).await;
        assert_eq!(names(&deprovisioning).pop(), Some("job_succeeded"));
        assert_eq!(names(&droplet).pop(), Some("droplet_deleted"));
    }
}

#[tokio::test]
async fn a_machine_that_a_slow_worker_makes_after_the_deletion_is_removed_again() {
    for made_before in [false, true] {
        let mut world = World::new().await;
        let provision = world.item(world.job, PROVISION);
        let (slow, quick) = (world.worker(SURE), world.worker(SURE));
        for _ in 0..5 {
            slow.advance(&provision).await.expect("the step is taken");
        }
        let seen = slow.look(&provision).await.expect("it can be looked at");
        assert_eq!(seen.step, Step::ReportActive);

        // While it sleeps, its claim runs out, and the droplet is deleted: with or without its having
        // been made by another worker.
        if made_before {
            let made = quick.work(&provision).await.expect("it is made");
            assert_eq!(made, Worked::ToItsEnd);
        }
        let job = world.delete().await;
        for item in [provision.clone(), world.item(job, DEPROVISION)] {
            let ended = quick.work(&item).await.expect("it ends");
            assert_eq!(ended, Worked::ToItsEnd);
        }

        let refused = slow.take(&provision, seen).await;
        assert!(
            matches!(refused, Err(WorkError::Refused { .. })),
            "{refused:?}"
        );
        assert_eq!(world.machines().await, 0, "made before: {made_before}");
    }
}

#[tokio::test]
async fn workers_that_work_on_one_job_at_once_take_every_step_once() {
    for simulation in [SURE, HOPELESS] {
        let mut world = World::new().await;
        let item = world.item(world.job, PROVISION);
        let [one, two, three] = [(); 3].map(|()| world.worker(simulation));
        let (one, two, three) = tokio::join!(one.work(&item), two.work(&item), three.work(&item));
        let ended = [one, two, three].into_iter().flatten();
        assert!(
            ended.count() > 0,
            "at least the one that took the last step came to the end"
        );
        world
            .worker(simulation)
            .work(&item)
            .await
            .expect("there is nothing left");
        let [job, droplet] = world.end(world.job).await;
        let expected = if simulation == SURE { 7 } else { 5 };
        assert_eq!((job.len(), droplet.len()), (expected, 2), "{job:?}");
    }
}

#[tokio::test]
async fn a_deletion_waits_for_a_creation_that_is_on_the_list() {
    let mut world = World::new().await;
    let job = world.delete().await;
    let deprovision = world.item(job, DEPROVISION);
    sqlx::query(
        "insert into process.todo \
             (job_id, org_id, droplet_id, kind, event_id, correlation_id, position) \
         values ($1, 'acme', $2, 'provision', $3, $3, 1)",
    )
    .bind(world.job.as_uuid())
    .bind(world.droplet.as_uuid())
    .bind(Uuid::nil())
    .execute(&world.database.pool())
    .await
    .expect("Postgres answers");
    let worker = world.worker(SURE);
    let waits = worker
        .work(&deprovision)
        .await
        .expect("it can be looked at");
    assert_eq!(waits, Worked::UntilItMustWait);
    assert_eq!(names(&world.history(job).await), ["job_submitted"]);

    let provision = world.item(world.job, PROVISION);
    worker.work(&provision).await.expect("it is cancelled");
    let claims = Claims::new(world.database.pool());
    claims.retire(&provision).await.expect("Postgres answers");
    let ended = worker.work(&deprovision).await.expect("it goes on");
    assert_eq!(ended, Worked::ToItsEnd);
}

#[test]
fn fates_follow_from_the_ids_and_the_rate() {
    let item = |n| Item {
        job: JobId::new(Uuid::from_u128(n)),
        org: request().org,
        droplet: None,
        kind: "batch".to_owned(),
        event: domain::ids::EventId::new(Uuid::nil()),
        correlation_id: request().correlation_id,
        failures: 0,
    };
    let failing = |rate| {
        (0..1_000)
            .filter(|n| fate(&item(*n), rate) == Fate::Failure)
            .count()
    };
    assert_eq!(failing(0.0), 0);
    assert_eq!(failing(1.0), 1_000);
    assert!((200..300).contains(&failing(0.25)), "{}", failing(0.25));
    assert_eq!(failing(0.25), failing(0.25));
}
