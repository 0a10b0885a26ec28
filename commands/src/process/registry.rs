//! The list of process managers, one line each. Programs start them by this list and name none.

use std::pin::Pin;
use std::sync::Arc;

use event_store::consume::consumer::Consumer;
use event_store::consume::wake::Signal;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::job_runner::{self, Simulation};
use crate::execute::Commands;

/// All process managers.
pub static PROCESS_MANAGERS: &[ProcessManager] = &[job_runner::MANAGER];

/// A to-do list and the work on it.
#[derive(Debug)]
pub struct ProcessManager {
    /// The name of the process manager in logs and metrics.
    pub name: &'static str,
    /// Creates the consumer that writes the to-do list. The consumer raises the signal after each new item.
    pub todo_list: fn(Signal) -> Arc<dyn Consumer>,
    /// Works on the list until the token is cancelled. The signal is the one that the list raises.
    pub run: fn(Dependencies, Signal, CancellationToken) -> Work,
}

/// The work of a process manager, until it is stopped.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The dependencies and the settings of process managers.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The database that holds the lists.
    pub pool: PgPool,
    /// The executor of the commands of process managers.
    pub commands: Commands,
    /// The settings of the simulated provider.
    pub simulation: Simulation,
    /// The most items that each process manager works on at a time.
    pub workers: usize,
}

/// Returns the consumers of all process managers, for programs that operate them and do none of their work.
#[must_use]
pub fn todo_lists() -> Vec<Arc<dyn Consumer>> {
    // Nobody listens to these signals: the workers of a list poll it.
    let lists = PROCESS_MANAGERS.iter();
    lists
        .map(|manager| (manager.todo_list)(Signal::new()))
        .collect()
}
