//! The read side of the API: live changes, waiting for consistency, and the operation of read models.

use std::time::Duration;

use event_store::consume::shared_log::SharedLog;
use event_store::consume::wake::Wake;
use projections::changes::Changes;
use projections::consistency::{self, Consistency};
use projections::operations::Operations;
use projections::reader::Reader;
use sqlx::PgPool;

use crate::config::Clients;
use crate::tasks::{Stage, Tasks};

/// Starts the one reader of the log that feeds all subscribers. The reader shares its reads with the other
/// followers of `log`, and polls when no hint came for `patience`.
pub(crate) fn changes(
    tasks: &mut Tasks,
    tail: &PgPool,
    subscriptions: PgPool,
    log: SharedLog,
    wake: &Wake,
    patience: Duration,
) -> Changes {
    let (changes, task) = Changes::new(
        tail.clone(),
        subscriptions,
        log,
        wake.sequenced.clone(),
        patience,
    );
    tasks.spawn(Stage::Follow, "changes", |stop| async move {
        task.run(stop).await;
        Ok(())
    });
    changes
}

/// Starts the task by which requests wait until the read models show a write.
pub(crate) fn consistency(
    tasks: &mut Tasks,
    reader: &Reader,
    wake: &Wake,
    clients: &Clients,
) -> Consistency {
    let (consistency, task) =
        Consistency::new(reader.clone(), wake.clone(), clients.consistency_wait);
    tasks.spawn(Stage::Follow, "consistency", |stop| async move {
        task.run(stop).await;
        Ok(())
    });
    consistency
}

/// The operations on read models through the API. Waiting requests of this process notice the effects at
/// once.
pub(crate) fn operations(pool: &PgPool, wake: &Wake) -> Operations {
    let read_models = consistency::announcing(projections::all(), &wake.applied);
    Operations::new(pool.clone(), read_models)
}
