//! The archiving of the private server's write-ahead log, as the server reports it.

use std::time::Duration;

use event_store::error::StoreError;
use sqlx::PgPool;

/// Returns the time for which nothing was archived, if the last attempt failed.
///
/// # Errors
/// When Postgres fails.
pub(super) async fn failing_since(pool: &PgPool) -> Result<Option<Duration>, StoreError> {
    let seconds: Option<f64> = sqlx::query_scalar(
        "select extract(epoch from clock_timestamp() - coalesce(last_archived_time, stats_reset))::float8 \
         from pg_stat_archiver where last_failed_time > coalesce(last_archived_time, '-infinity')",
    )
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable("checking the archive of backups"))?;
    Ok(seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
}

/// Exports the time for which archiving has failed; 0 if it works.
pub(super) fn measure(failing: Option<Duration>) {
    let seconds = failing.unwrap_or_default().as_secs_f64();
    metrics::gauge!("clustergenie_backup_failing_seconds").set(seconds);
}
