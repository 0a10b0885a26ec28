//! The write side: the executor of commands, and the runner of the platform's own jobs.

use std::sync::Arc;

use commands::execute::Commands;
use commands::process::job_runner::{self, Simulation, TodoList};
use event_store::consume::wake::{Signal, Wake};
use event_store::write::group::Appender;
use sqlx::PgPool;

use crate::config::Provider;
use crate::tasks::{Stage, Tasks};

/// Starts the executor of commands. A task appends what commands decide, and ends when no executor is left.
///
/// Appends have connections of their own, so that a decided command never waits behind reads.
pub(crate) fn executor(
    tasks: &mut Tasks,
    loading: &PgPool,
    appending: PgPool,
    wake: &Wake,
) -> Commands {
    let (appender, group) = Appender::new(appending, wake.clone());
    tasks.spawn(Stage::Append, "append", |_| async move {
        group.run().await;
        Ok(())
    });
    Commands::new(loading.clone(), appender)
}

/// Starts the runner of the platform's own jobs. Returns its to-do list, to be run as a consumer.
pub(crate) fn job_runner(
    tasks: &mut Tasks,
    pool: &PgPool,
    commands: Commands,
    provider: &Provider,
) -> Arc<TodoList> {
    let todo = Signal::new();
    let simulation = Simulation {
        step_delay: provider.step_delay,
        failure_rate: provider.failure_rate,
    };
    let (pool, workers, hint) = (pool.clone(), usize::from(provider.workers), todo.clone());
    tasks.spawn(Stage::Work, "platform", |stop| async move {
        job_runner::run(pool, commands, simulation, hint, workers, stop).await;
        Ok(())
    });
    Arc::new(TodoList::new(todo))
}
