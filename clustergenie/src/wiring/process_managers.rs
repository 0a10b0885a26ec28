//! The process managers, started by their registry.

use std::sync::Arc;

use commands::execute::Commands;
use commands::process::job_runner::Simulation;
use commands::process::registry::{Dependencies, PROCESS_MANAGERS};
use event_store::consume::consumer::Consumer;
use event_store::consume::wake::Signal;
use sqlx::PgPool;

use crate::config::Provider;
use crate::tasks::{Stage, Tasks};

/// Starts all process managers, which keep the executor until they end: whoever keeps another one keeps the append
/// running. Returns their to-do lists, to be run as consumers.
pub(crate) fn start(
    tasks: &mut Tasks,
    pool: &PgPool,
    executor: Commands,
    provider: &Provider,
) -> Vec<Arc<dyn Consumer>> {
    let dependencies = Dependencies {
        pool: pool.clone(),
        commands: executor,
        simulation: Simulation {
            step_delay: provider.step_delay,
            failure_rate: provider.failure_rate,
        },
        workers: usize::from(provider.workers),
    };
    let mut todo_lists = Vec::new();
    for manager in PROCESS_MANAGERS {
        let (dependencies, todo) = (dependencies.clone(), Signal::new());
        todo_lists.push((manager.todo_list)(todo.clone()));
        tasks.spawn(Stage::Work, manager.name, |stop| async move {
            (manager.run)(dependencies, todo, stop).await;
            Ok(())
        });
    }
    todo_lists
}
