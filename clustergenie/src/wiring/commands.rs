//! The executor of commands.

use commands::execute::Commands;
use event_store::consume::wake::Wake;
use event_store::write::group::Appender;
use sqlx::PgPool;

use crate::tasks::{Stage, Tasks};

/// Starts the executor of commands. A task appends the decisions of commands, and ends when no executor is
/// left. Another one records the counts of refused commands.
pub(crate) fn executor(
    tasks: &mut Tasks,
    loading: PgPool,
    appending: PgPool,
    wake: &Wake,
) -> Commands {
    let (appender, group) = Appender::new(appending, wake.clone());
    tasks.spawn(Stage::Append, "append", |_| async move {
        group.run().await;
        Ok(())
    });
    let commands = Commands::new(loading, appender);
    let refused = commands.clone();
    // After the last request: what it counted is recorded, too.
    tasks.spawn(Stage::Work, "refused commands", |stop| async move {
        refused.record_floods(stop).await;
        Ok(())
    });
    commands
}
