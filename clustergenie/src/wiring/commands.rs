//! The executor of commands.

use commands::execute::Commands;
use event_store::consume::wake::Wake;
use event_store::error::StoreError;
use event_store::incarnation::Incarnations;
use event_store::write::group::Appender;
use sqlx::PgPool;

use crate::tasks::{Stage, Tasks};

/// Starts the executor of commands. A task appends the decisions of commands, and ends when no executor is
/// left. Another one records the counts of commands without events.
///
/// The incarnations of the log are looked up through the connections for loads, so that a command never waits behind
/// cursors of clients.
///
/// # Errors
/// When the database is a standby or does not answer.
pub(crate) async fn executor(
    tasks: &mut Tasks,
    loading: PgPool,
    appending: PgPool,
    wake: &Wake,
) -> Result<Commands, StoreError> {
    let incarnations = Incarnations::open(loading.clone()).await?;
    let (appender, group) = Appender::new(appending, wake.clone());
    tasks.spawn(Stage::Append, "append", |_| async move {
        group.run().await;
        Ok(())
    });
    let commands = Commands::new(loading, appender, incarnations);
    let counting = commands.clone();
    // After the last request: what it counted is recorded, too.
    tasks.spawn(Stage::Work, "counts of commands", |stop| async move {
        counting.record_floods(stop).await;
        Ok(())
    });
    Ok(commands)
}
