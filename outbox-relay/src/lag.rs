//! How far Kafka is behind the log, in events and in seconds, whether or not it can be reached.

use std::time::Duration;

use event_store::envelope::Position;
use event_store::error::StoreError;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::RelayHealth;

const EVERY: Duration = Duration::from_secs(1);

/// Measures once a second until `stop`. Says nothing while this process does not know what Kafka has:
/// because it never reached it, or because another process leads, whose lag it is. One that has led
/// until then ends with 0, so that its last word does not stand for ever.
pub(crate) async fn run(pool: &PgPool, health: &RelayHealth, stop: &CancellationToken) {
    let mut told = false;
    while !stop.is_cancelled() {
        match health.published() {
            Some(published) => match measure(pool, published).await {
                Ok((events, seconds)) => {
                    tell(events, seconds);
                    told = true;
                }
                Err(error) => tracing::debug!(%error, "the relay's lag was not measured"),
            },
            None if told => {
                tell(0, 0.0);
                told = false;
            }
            None => {}
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn tell(events: i64, seconds: f64) {
    metrics::gauge!("clustergenie_relay_lag_events").set(events as f64);
    metrics::gauge!("clustergenie_relay_lag_seconds").set(seconds);
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

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use testkit::events::{Recorder, sequence};
    use testkit::postgres::TestDatabase;
    use testkit::wait;

    use super::*;

    #[tokio::test]
    async fn one_that_does_not_lead_any_more_has_no_lag() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        Recorder::new(pool.clone()).jobs(1).await;
        assert_eq!(sequence(&pool).await, Position(3));
        let recorder = PrometheusBuilder::new().build_recorder();
        let told = recorder.handle();
        let _on_this_thread = metrics::set_default_local_recorder(&recorder);
        let tells = async |line: &str| {
            wait::until(line, async || {
                told.render().lines().any(|l| l == line).then_some(())
            })
            .await;
        };

        let (health, stop) = (RelayHealth::new(), CancellationToken::new());
        health.published_up_to(Position(1));
        tokio::join!(run(&pool, &health, &stop), async {
            tells("clustergenie_relay_lag_events 2").await;
            health.forget_published();
            tells("clustergenie_relay_lag_events 0").await;
            tells("clustergenie_relay_lag_seconds 0").await;
            stop.cancel();
        });
    }
}
