//! The platform's own runner: works off the jobs of runner PLATFORM, and so makes and removes the
//! machines of PLATFORM droplets, with a simulated provider.
//!
//! A to-do list ([`TodoList`]) holds the jobs that have not ended. A worker claims one for a few
//! seconds at a time, looks at the job and its droplet as they are stored now, and takes the next
//! step only; then it looks again. So it never matters where another worker stopped. A step is a
//! command whose id and idempotency key follow from the event that asked for the job, so that a
//! step taken twice has one effect.
//!
//! It never sticks: a claim runs out, an error puts the job back for a growing pause, and a job
//! that waits for another one is put back too. It must never keep a state of its own beyond the
//! claim.

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

/// How the simulated provider behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulation {
    /// How long each step of a job takes.
    pub step_delay: Duration,
    /// The share of jobs that fail, from 0.0 to 1.0. Which ones follows from their ids, so that a
    /// job has the same fate however often it is tried. Removing a machine never fails.
    pub failure_rate: f64,
}

/// How soon a job that waits for another one may be looked at again, should nobody say that the
/// other one ended.
const WAIT: Duration = Duration::from_millis(250);

/// The pause after a job's first failure; it doubles with each further one.
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

/// Works off the to-do list until `stop`, with at most `workers` jobs at a time. `todo` is the signal
/// that the [`TodoList`] raises; without it, the list is looked at every [`POLL`].
///
/// Any number of processes may run this beside each other. When it returns, nothing of it runs any
/// more, and jobs it had begun are free for others.
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
        // Taken note of before looking, so that a hint in between is not lost.
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

/// What all jobs of one [`run`] share.
struct Runner {
    claims: Claims,
    worker: Worker,
    todo: Signal,
    stop: CancellationToken,
}

impl Runner {
    /// Works on a claimed job, and gives the claim up in the end, one way or another.
    async fn work(&self, item: Item) {
        let worked = tokio::select! {
            worked = self.worker.work(&item) => worked,
            // The job ended, or somebody else has it.
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
            // Whoever waited for this job may go on.
            Ok(()) => self.todo.raise(),
            // Nothing is lost: the claim runs out.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                job.id = %item.job,
                "the claim on a job of the platform could not be given up"
            ),
        }
    }
}

/// A pause that doubles with each failure, give or take a half.
fn pause_after(failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures));
    Backoff::new(doubled, LONGEST_PAUSE).next_pause()
}

/// A panic ends its job's task only; the claim runs out, and the job is tried again.
fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a worker of the platform ended in a panic"
        );
    }
}
