//! The platform's own runner, which runs the jobs of runner PLATFORM with a simulated provider. So it makes
//! and removes the machines of PLATFORM droplets.
//!
//! A to-do list ([`TodoList`]) holds the jobs that have not ended. A worker claims one for a few seconds at
//! a time and reads the job and its droplet as they are stored now. It takes the next step only, and then
//! reads again. So the step at which another worker stopped never matters. A step is a command whose id and
//! idempotency key follow from the event that submitted the job. So a repeated step has one effect.
//!
//! No job gets stuck: a claim expires, and an error puts the job back for a growing pause. A job that waits
//! for another one is put back too. The runner must never keep a state of its own beyond the claim.

mod claims;
mod plan;
mod provider;
mod todo;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use event_store::backoff::Backoff;
use event_store::consume::wake::{POLL, Signal};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use todo::TodoList;

use super::registry::{Dependencies, ProcessManager};
use crate::execute::Commands;
use claims::{Claims, Item};
use worker::{Worked, Worker};

/// The behaviour of the simulated provider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulation {
    /// The duration of each step of a job.
    pub step_delay: Duration,
    /// The share of jobs that fail, from 0.0 to 1.0. The id of a job decides if it fails, so that the job
    /// has the same result however often it is tried. Removing a machine never fails.
    pub failure_rate: f64,
}

/// The pause of a job that waits for another one, if no signal says that the other one ended.
const WAIT: Duration = Duration::from_millis(250);

/// The pause after a job's first failure. The pause doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The line of this process manager in the registry.
pub(super) const MANAGER: ProcessManager = ProcessManager {
    name: "job runner",
    todo_list: |signal| Arc::new(TodoList::new(signal)),
    run: |dependencies, todo, stop| {
        let Dependencies {
            pool,
            commands,
            simulation,
            workers,
        } = dependencies;
        Box::pin(run(pool, commands, simulation, todo, workers, stop))
    },
};

/// Runs the jobs of the to-do list until `stop`, with at most `workers` jobs at a time. `todo` is the
/// signal that the [`TodoList`] raises; without it, the poll interval of the list is [`POLL`].
///
/// Any number of processes may run this beside each other. After the return no task of the runner runs any
/// more, and the jobs that it had begun are free for others.
pub async fn run(
    pool: PgPool,
    commands: Commands,
    simulation: Simulation,
    todo: Signal,
    workers: usize,
    stop: CancellationToken,
) {
    let runner = Arc::new(Runner {
        claims: Claims::new(pool.clone()),
        worker: Worker::new(pool, commands, simulation),
        todo,
        stop,
    });
    let mut jobs = JoinSet::new();
    let mut pauses = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    while !runner.stop.is_cancelled() {
        // The value is read before the list, so that a hint in between is not lost.
        let seen = runner.todo.value();
        let free = workers.saturating_sub(jobs.len());
        let patience = match runner.claims.take(free).await {
            Ok(items) => {
                pauses.reset();
                for item in items {
                    let runner = Arc::clone(&runner);
                    jobs.spawn(async move { runner.work(item).await });
                }
                POLL
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the platform's to-do list could not be read and will be tried again"
                );
                tokio::select! {
                    () = tokio::time::sleep(pauses.next_pause()) => continue,
                    () = runner.stop.cancelled() => break,
                }
            }
        };
        tokio::select! {
            Some(ended) = jobs.join_next() => log_panic(ended),
            () = runner.todo.above(seen, patience), if jobs.len() < workers => {}
            () = runner.stop.cancelled() => {}
        }
    }
    while let Some(ended) = jobs.join_next().await {
        log_panic(ended);
    }
}

/// The data that all jobs of one [`run`] share.
struct Runner {
    claims: Claims,
    worker: Worker,
    todo: Signal,
    stop: CancellationToken,
}

impl Runner {
    /// Works on a claimed job, and releases the claim in any case.
    async fn work(&self, item: Item) {
        let worked = tokio::select! {
            worked = self.worker.work(&item) => worked,
            // The job ended, or another worker holds the claim.
            () = self.claims.keep(&item) => return,
            () = self.stop.cancelled() => Ok(Worked::Stopped),
        };
        let put = match worked {
            Ok(Worked::ToItsEnd) => self.claims.retire(&item).await,
            Ok(Worked::UntilItMustWait) => self.claims.put_back(&item, WAIT).await,
            Ok(Worked::Stopped) => self.claims.put_back(&item, Duration::ZERO).await,
            Err(error) => {
                let pause = pause_after(item.failures);
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    job.id = %item.job,
                    org.id = %item.org,
                    correlation.id = %item.correlation_id,
                    retry_ms = pause.as_millis() as u64,
                    "a job of the platform got stuck and will be tried again"
                );
                metrics::counter!("clustergenie_platform_job_failures_total").increment(1);
                self.claims.put_back_failed(&item, pause).await
            }
        };
        match put {
            // Jobs that waited for this one may continue.
            Ok(()) => self.todo.raise(),
            // Nothing is lost: the claim expires.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                job.id = %item.job,
                "the claim on a job of the platform could not be given up"
            ),
        }
    }
}

/// Returns a pause that doubles with each failure, with a jitter of half.
fn pause_after(failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures));
    Backoff::new(doubled, LONGEST_PAUSE).next_pause()
}

/// Logs a panic. A panic ends its job's task only; the claim expires, and the job is retried.
fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a worker of the platform ended in a panic"
        );
    }
}
