//! Hints between processes: that events were appended, sequenced or applied. A lost hint costs time, never
//! an event.

use event_store::consume::wake::{self, Hint, Wake};
use sqlx::PgPool;

use crate::tasks::{Stage, Tasks};

/// Announces a hint of this process to the others.
pub(crate) fn announce(tasks: &mut Tasks, pool: &PgPool, wake: &Wake, hint: Hint) {
    let (pool, wake) = (pool.clone(), wake.clone());
    tasks.spawn(
        Stage::Follow,
        format!("announce {hint:?}"),
        |stop| async move {
            wake::announce(pool, wake, hint, stop).await;
            Ok(())
        },
    );
}

/// Listens to a hint of the other processes.
pub(crate) fn listen(tasks: &mut Tasks, pool: &PgPool, wake: &Wake, hint: Hint) {
    let (pool, wake) = (pool.clone(), wake.clone());
    tasks.spawn(
        Stage::Follow,
        format!("listen {hint:?}"),
        |stop| async move {
            wake::listen(pool, wake, hint, wake::SILENCE, stop).await;
            Ok(())
        },
    );
}
