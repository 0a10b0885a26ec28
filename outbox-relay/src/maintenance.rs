//! What has to be done now and then, whoever does it.

use std::time::Duration;

use event_store::log::digest;
use event_store::write::idempotency;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// How often old idempotency keys are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often complete ranges of the log are looked for that have no digest yet.
const DIGEST_EVERY: Duration = Duration::from_secs(10);
/// Pause between two statements while there are many: a log that has no digests at all, because the
/// program before this one made none, is worked off beside everything else.
const DIGEST_NEXT: Duration = Duration::from_millis(100);
/// Digests made by one statement, which takes some milliseconds for each.
const DIGESTS: i64 = 5;

/// Forgets idempotency keys that are too old, once an hour, and makes digests of the log, until `stop`.
/// Several processes may.
pub async fn run(pool: PgPool, stop: CancellationToken) {
    tokio::join!(forget(&pool, &stop), make_digests(&pool, &stop));
}

async fn forget(pool: &PgPool, stop: &CancellationToken) {
    loop {
        match idempotency::forget_old(pool).await {
            Ok(forgotten) => tracing::debug!(forgotten, "old idempotency keys are forgotten"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "old idempotency keys were not forgotten; tried again in an hour"
            ),
        }
        if stopped_within(FORGET_EVERY, stop).await {
            return;
        }
    }
}

async fn make_digests(pool: &PgPool, stop: &CancellationToken) {
    loop {
        let pause = match digest::make(pool, DIGESTS).await {
            Ok(0) => DIGEST_EVERY,
            Ok(made) => {
                tracing::debug!(made, "digests of the log are made");
                DIGEST_NEXT
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "digests of the log were not made; tried again soon"
                );
                DIGEST_EVERY
            }
        };
        if stopped_within(pause, stop).await {
            return;
        }
    }
}

/// Waits; says whether it was told to stop meanwhile.
async fn stopped_within(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::time::timeout(pause, stop.cancelled()).await.is_ok()
}
