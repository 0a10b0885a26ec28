//! Sends hints to other processes.

use std::io;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{ANSWER, Hint, UNTIL_HINTED, Wake};

/// The least time between two notifications. A notification takes a cluster-wide lock at commit, so it has a
/// connection of its own and is never part of a command.
const DEBOUNCE: Duration = Duration::from_millis(5);

/// Announces a hint of this process to the others until `stop`.
pub async fn announce(pool: PgPool, wake: Wake, hint: Hint, stop: CancellationToken) {
    let signal = hint.signal(&wake);
    let mut told = signal.value();
    while !stop.is_cancelled() {
        tokio::select! {
            () = signal.above(told, hint.heartbeat().unwrap_or(UNTIL_HINTED)) => {}
            () = stop.cancelled() => return,
        }
        let value = signal.value();
        if value > told || hint.heartbeat().is_some() {
            match notify(&pool, hint).await {
                Ok(()) => told = value,
                Err(error) => tracing::debug!(%error, "a hint to other processes was not sent"),
            }
            tokio::time::sleep(DEBOUNCE).await;
        }
    }
}

/// Announces once that a read model has committed, for a process that does not [`announce`] it all the
/// time.
///
/// # Errors
/// When Postgres fails. The other processes poll after [`POLL`](super::POLL).
pub async fn tell_applied(pool: &PgPool) -> Result<(), sqlx::Error> {
    notify(pool, Hint::Applied).await
}

async fn notify(pool: &PgPool, hint: Hint) -> Result<(), sqlx::Error> {
    let statement = match hint {
        // The counters of different processes are not comparable, so the payload is empty.
        Hint::Appended | Hint::Applied => "select pg_notify($1, '')",
        // Not the value of this process, which may be on standby.
        Hint::Sequenced => {
            "select pg_notify($1, position::text) from es.log_head order by position desc limit 1"
        }
    };
    let mut connection = pool.acquire().await?;
    let notified = sqlx::query(statement)
        .bind(hint.channel())
        .execute(&mut *connection);
    let answer = timeout(ANSWER, notified).await;
    answer.unwrap_or_else(|_| {
        // The pool would wait for the answer as well.
        drop(connection.detach());
        Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()))
    })?;
    Ok(())
}
