//! The one owner of all tasks of a process.
//!
//! A signal, or the first task that ends by itself, stops all tasks. They stop stage after stage, so that
//! writers end before those who sequence, publish and project. Tasks that outlast the grace period are
//! aborted. Every task of the program runs in this set.
//!
//! SIGTERM drains first: the process is not ready any more, and all tasks run on for the drain delay, so that
//! those who send requests have time to choose another process. SIGINT (Ctrl-C) and a failed task do not wait,
//! and neither does a second signal.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Grace period of all tasks together, in a process without an API.
pub(crate) const GRACE: Duration = Duration::from_secs(15);

/// The name of the signal that drains.
const SIGTERM: &str = "SIGTERM";

/// The order in which tasks stop: each stage after the one before has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Serves requests.
    Serve,
    /// Issues commands of the platform itself.
    Work,
    /// Appends the decisions of commands; ends by itself when no executor of commands is left.
    Append,
    /// Follows events: sequences, publishes, projects.
    Follow,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Serve, Self::Work, Self::Append, Self::Follow];
}

/// Named tasks that start and stop together.
#[derive(Debug)]
pub(crate) struct Tasks {
    set: JoinSet<anyhow::Result<()>>,
    running: HashMap<Id, (Stage, String)>,
    foundations: HashSet<String>,
    draining: CancellationToken,
    stops: [CancellationToken; Stage::ALL.len()],
    drain_delay: Duration,
    grace: Duration,
}

/// The task whose end stopped all others.
#[derive(Debug, thiserror::Error)]
#[error("the task `{task}` {how}, so everything was stopped")]
pub(crate) struct TaskEnded {
    task: String,
    how: How,
    #[source]
    source: Option<anyhow::Error>,
}

#[derive(Debug)]
enum How {
    Failed,
    Panicked,
    Returned,
}

impl fmt::Display for How {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Returned => "ended unexpectedly",
        })
    }
}

impl Tasks {
    /// An empty set with a grace period, and without a drain delay.
    pub(crate) fn new(grace: Duration) -> Self {
        Self {
            set: JoinSet::new(),
            running: HashMap::new(),
            foundations: HashSet::new(),
            draining: CancellationToken::new(),
            stops: Stage::ALL.map(|_| CancellationToken::new()),
            drain_delay: Duration::ZERO,
            grace,
        }
    }

    /// Sets the time between SIGTERM and the stop of the first task.
    pub(crate) fn drain_for(mut self, drain_delay: Duration) -> Self {
        self.drain_delay = drain_delay;
        self
    }

    /// Returns the token that is cancelled as soon as the process is going to stop.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Runs a task. The task must end soon after its token is cancelled, and not before.
    pub(crate) fn spawn<Task>(
        &mut self,
        stage: Stage,
        name: impl Into<String>,
        task: impl FnOnce(CancellationToken) -> Task,
    ) where
        Task: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handle = self.set.spawn(task(self.stop(stage).clone()));
        self.running.insert(handle.id(), (stage, name.into()));
    }

    /// Runs a task that all others depend on. If this task ends by itself, the others cannot stop in order
    /// and are aborted at once.
    pub(crate) fn spawn_foundation<Task>(
        &mut self,
        name: impl Into<String>,
        task: impl FnOnce(CancellationToken) -> Task,
    ) where
        Task: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let name = name.into();
        self.foundations.insert(name.clone());
        self.spawn(Stage::Follow, name, task);
    }

    /// Waits for a signal (SIGINT, SIGTERM) or the first task that ends, then stops all tasks.
    ///
    /// # Errors
    /// When a task ended. The error names the task and the reason. A signal is no error.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut signals = Signals::listen()?;
        let ended = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping");
                self.draining.cancel();
                if name == SIGTERM { self.drain(&mut signals).await } else { None }
            }
            Some(ended) = self.set.join_next_with_id() => Some(self.account_for(ended)),
        };
        self.draining.cancel();
        if let Some(ended) = &ended {
            tracing::error!(task = ended.task, "stopping, because a task {}", ended.how);
            if self.foundations.contains(&ended.task) {
                self.abort("a task that the others depend on has ended")
                    .await;
            }
        }
        self.stop_all(&mut signals).await;
        match ended {
            Some(ended) => Err(ended.into()),
            None => Ok(()),
        }
    }

    fn stop(&self, stage: Stage) -> &CancellationToken {
        &self.stops[stage as usize]
    }

    /// Waits for the drain delay, a second signal or the end of a task, which is returned.
    async fn drain(&mut self, signals: &mut Signals) -> Option<TaskEnded> {
        tokio::select! {
            () = tokio::time::sleep(self.drain_delay) => None,
            name = signals.next() => {
                tracing::info!(signal = name, "stopping without the rest of the drain delay");
                None
            }
            Some(ended) = self.set.join_next_with_id() => Some(self.account_for(ended)),
        }
    }

    async fn stop_all(&mut self, signals: &mut Signals) {
        let deadline = Instant::now() + self.grace;
        for stage in Stage::ALL {
            self.stop(stage).cancel();
            while self.running.values().any(|(of, _)| *of == stage) {
                tokio::select! {
                    Some(ended) = self.set.join_next_with_id() => self.note_end(ended),
                    () = tokio::time::sleep_until(deadline) => return self.abort("the grace period is over").await,
                    _ = signals.next() => return self.abort("a second signal").await,
                }
            }
        }
    }

    async fn abort(&mut self, why: &str) {
        let tasks: Vec<_> = self
            .running
            .values()
            .map(|(_, name)| name.as_str())
            .collect();
        tracing::warn!(tasks = tasks.join(", "), why, "tasks were aborted");
        self.set.shutdown().await;
        self.running.clear();
    }

    /// Removes a task that ended during the stop; logs its failure.
    fn note_end(&mut self, ended: Result<(Id, anyhow::Result<()>), JoinError>) {
        let ended = self.account_for(ended);
        if let Some(error) = ended.source {
            tracing::warn!(
                task = ended.task,
                error = format!("{error:#}"),
                "a task failed while stopping"
            );
        }
    }

    fn account_for(&mut self, ended: Result<(Id, anyhow::Result<()>), JoinError>) -> TaskEnded {
        let (id, how, source) = match ended {
            Ok((id, Ok(()))) => (id, How::Returned, None),
            Ok((id, Err(error))) => (id, How::Failed, Some(error)),
            Err(error) => (error.id(), How::Panicked, Some(error.into())),
        };
        let (_, task) = self
            .running
            .remove(&id)
            .expect("every task of the set has a name");
        TaskEnded { task, how, source }
    }
}

/// The signals that stop the process: SIGINT and SIGTERM. Listening to them disables their default action.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts to listen to signals.
    ///
    /// # Errors
    /// When the system refuses the signal handlers.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened to");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal and returns its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => SIGTERM,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::{Arc, Mutex};

    use super::*;

    fn failing(tasks: &mut Tasks) {
        tasks.spawn(Stage::Work, "worker", |_| async {
            anyhow::bail!("no more work")
        });
    }

    #[tokio::test]
    async fn the_first_failure_stops_all_in_the_order_of_the_stages() {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Tasks::new(GRACE);
        for stage in [Stage::Follow, Stage::Serve, Stage::Append] {
            let ends = Arc::clone(&ends);
            tasks.spawn(stage, format!("{stage:?}"), |stop| async move {
                stop.cancelled().await;
                ends.lock().unwrap().push(stage);
                Ok(())
            });
        }
        failing(&mut tasks);

        let error = tasks.run().await.expect_err("a task failed");
        assert_eq!(
            format!("{error:#}"),
            "the task `worker` failed, so everything was stopped: no more work"
        );
        assert_eq!(
            *ends.lock().unwrap(),
            [Stage::Serve, Stage::Append, Stage::Follow]
        );
    }

    #[tokio::test]
    async fn a_task_that_returns_by_itself_or_panics_is_named() {
        let mut tasks = Tasks::new(GRACE);
        tasks.spawn(Stage::Serve, "api", |_| async { Ok(()) });
        let error = tasks.run().await.expect_err("a task ended");
        assert!(
            error.to_string().contains("`api` ended unexpectedly"),
            "{error}"
        );

        let mut tasks = Tasks::new(GRACE);
        tasks.spawn(Stage::Serve, "api", |_| async {
            panic!("an invariant does not hold")
        });
        let error = tasks.run().await.expect_err("a task panicked");
        assert!(error.to_string().contains("`api` panicked"), "{error}");
    }

    #[tokio::test]
    async fn without_its_foundation_nothing_gets_time_to_end() {
        let was_asked = Arc::new(Mutex::new(false));
        let mut tasks = Tasks::new(GRACE);
        let asked = Arc::clone(&was_asked);
        tasks.spawn(Stage::Serve, "api", |stop| async move {
            stop.cancelled().await;
            *asked.lock().unwrap() = true;
            Ok(())
        });
        tasks.spawn_foundation("postgres", |_| async { anyhow::bail!("it is gone") });
        let error = tasks.run().await.expect_err("a task failed");
        assert!(error.to_string().contains("`postgres` failed"), "{error}");
        assert!(!*was_asked.lock().unwrap(), "it was aborted");
    }

    #[tokio::test]
    async fn whoever_does_not_end_in_time_is_aborted() {
        let mut tasks = Tasks::new(Duration::from_millis(10));
        tasks.spawn(Stage::Serve, "stuck", |_| pending());
        failing(&mut tasks);
        assert!(tasks.run().await.is_err());
    }
}
