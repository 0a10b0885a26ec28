//! Periodic maintenance: creates and drops partitions, and makes digests of the log.

use std::time::Duration;

use event_store::log::digest;
use event_store::partitions;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// The interval between looks at the partitions. A partition has room for more than half an hour of appends.
const PARTITIONS_EVERY: Duration = Duration::from_secs(60);
/// Poll interval for complete ranges of the log that have no digest yet.
const DIGEST_EVERY: Duration = Duration::from_secs(10);
/// Pause between two statements while many digests are missing. So a log without digests, which an older
/// program wrote, does not slow everything else down.
const DIGEST_NEXT: Duration = Duration::from_millis(100);
/// The most digests of one statement, which takes some milliseconds for each.
const DIGESTS: i64 = 5;

/// Maintains the partitions, once a minute, and makes digests of the log, until `stop`.
/// Several processes may do so at the same time.
pub async fn run(pool: PgPool, stop: CancellationToken) {
    tokio::join!(
        maintain_partitions(&pool, &stop),
        make_digests(&pool, &stop)
    );
}

async fn maintain_partitions(pool: &PgPool, stop: &CancellationToken) {
    loop {
        match partitions::maintain(pool).await {
            Ok(0) => {}
            Ok(changes) => tracing::info!(changes, "partitions created or dropped"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "maintaining partitions failed; retrying in a minute"
            ),
        }
        if stopped_within(PARTITIONS_EVERY, stop).await {
            return;
        }
    }
}

async fn make_digests(pool: &PgPool, stop: &CancellationToken) {
    loop {
        let pause = match digest::make(pool, DIGESTS).await {
            Ok(0) => DIGEST_EVERY,
            Ok(made) => {
                tracing::debug!(made, "digests of the log made");
                DIGEST_NEXT
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "making digests of the log failed; retrying"
                );
                DIGEST_EVERY
            }
        };
        if stopped_within(pause, stop).await {
            return;
        }
    }
}

/// Waits for a pause. Returns whether `stop` came first.
async fn stopped_within(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::time::timeout(pause, stop.cancelled()).await.is_ok()
}
