//! What has to be done now and then, whoever does it.

use std::time::Duration;

use event_store::idempotency;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Forgets idempotency keys that are too old, once an hour until `stop`. Several processes may.
pub async fn run(pool: PgPool, stop: CancellationToken) {
    loop {
        match idempotency::forget_old(&pool).await {
            Ok(forgotten) => tracing::debug!(forgotten, "old idempotency keys are forgotten"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "old idempotency keys were not forgotten; tried again in an hour"
            ),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
