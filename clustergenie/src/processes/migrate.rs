//! `clustergenie migrate`: migrates a database to this program's version, then ends.

use std::time::Duration;

use anyhow::Context;
use event_store::incarnation;
use event_store::pool::{self, Purpose};
use event_store::stream_types;
use tokio::time::Instant;

use super::database::{UNREACHABLE, warn_of_known_password};
use crate::config::Migrate;

/// Delay between two attempts to connect.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Waits until the database has started, then migrates it.
///
/// # Errors
/// When the database does not answer in time, or cannot be migrated.
pub(crate) async fn run(settings: Migrate) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let started = Instant::now();
    let pool = loop {
        match pool::connect(&settings.database.database_url, Purpose::Maintenance, 1).await {
            Ok(pool) => break pool,
            // Other errors (a wrong password, a malformed URL) do not go away by waiting.
            Err(error) if is_transient(&error) && started.elapsed() < settings.patience => {
                tracing::info!(%error, "waiting for the database");
                tokio::time::sleep(RETRY_DELAY).await;
            }
            Err(error) => return Err(error).context(UNREACHABLE),
        }
    };
    schema::migrate::migrate(&pool).await?;
    projections::tables::migrate(&pool).await?;
    stream_types::declare(&pool).await?;
    incarnation::ensure(&pool).await?;
    tracing::info!("the database is at this program's version");
    pool.close().await;
    Ok(())
}

/// True if a retry may succeed: the database does not listen yet, or is starting.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_transient_errors_are_retried() {
        assert!(is_transient(&sqlx::Error::PoolTimedOut));
        assert!(!is_transient(&sqlx::Error::RowNotFound));
    }
}
