//! How far Kafka is behind the log, in events and in seconds, whether or not it can be reached.

use std::time::Duration;

use event_store::envelope::Position;
use event_store::error::StoreError;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::RelayHealth;

const EVERY: Duration = Duration::from_secs(1);

/// Measures once a second until `stop`. Says nothing while nobody knows what Kafka has: in a process
/// that has not led yet, which is a standby's and not this relay's lag, or that never reached Kafka.
pub(crate) async fn run(pool: &PgPool, health: &RelayHealth, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        if let Some(published) = health.published() {
            match measure(pool, published).await {
                Ok((events, seconds)) => {
                    metrics::gauge!("clustergenie_relay_lag_events").set(events as f64);
                    metrics::gauge!("clustergenie_relay_lag_seconds").set(seconds);
                }
                Err(error) => tracing::debug!(%error, "the relay's lag was not measured"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// How many events have a position and are not in Kafka, and how long ago the oldest was recorded.
async fn measure(pool: &PgPool, published: Position) -> Result<(i64, f64), StoreError> {
    sqlx::query_as(
        "select h.position - $1, coalesce(( \
             select extract(epoch from clock_timestamp() - e.recorded_at)::float8 \
             from es.log l join es.events e using (seq) where l.position = $1 + 1), 0) \
         from es.log_head h",
    )
    .bind(published.0)
    .fetch_one(pool)
    .await
    .map_err(StoreError::unavailable("measuring the relay's lag"))
}
