//! How far Kafka is behind, in events and in seconds, whether or not it can be reached.

use std::time::Duration;

use event_store::envelope::Position;
use event_store::error::StoreError;
use sqlx::{FromRow, PgPool};
use tokio_util::sync::CancellationToken;

use crate::health::{HeldBack, RelayHealth, State};

const EVERY: Duration = Duration::from_secs(1);

/// Measures once a second until `stop`. Says nothing while another process leads, whose lag it is. One
/// that has led until then ends with 0, so that its last word does not stand for ever.
pub(crate) async fn run(pool: &PgPool, health: &RelayHealth, stop: &CancellationToken) {
    let mut told = false;
    while !stop.is_cancelled() {
        if is_for_us_to_tell(health) {
            match measure(pool, health.published()).await {
                Ok(lag) => {
                    tell(health, &lag);
                    told = true;
                }
                Err(error) => tracing::debug!(%error, "the relay's lag was not measured"),
            }
        } else if told {
            tell(health, &Lag::default());
            told = false;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Whoever leads tells, and whoever should lead and cannot: who has never reached Kafka goes by how far
/// the last publisher was when it looked last.
fn is_for_us_to_tell(health: &RelayHealth) -> bool {
    match health.publisher.condition().state {
        State::Leading | State::Failing { .. } => true,
        State::Starting | State::Standby => false,
    }
}

/// How far Kafka is behind.
#[derive(Debug, Default, FromRow)]
struct Lag {
    /// Events beyond the position up to which it has them.
    events: i64,
    /// How long ago the oldest of those was recorded.
    seconds: f64,
    /// How long ago the oldest event was recorded that it does not have for any reason: it comes next,
    /// is held back, or has no position yet.
    oldest_seconds: f64,
    /// For how long it has got nothing although there was something.
    stalled_seconds: f64,
    held_streams: i64,
    held_events: i64,
}

fn tell(health: &RelayHealth, lag: &Lag) {
    metrics::gauge!("clustergenie_relay_lag_events").set(lag.events as f64);
    metrics::gauge!("clustergenie_relay_lag_seconds").set(lag.seconds);
    metrics::gauge!("clustergenie_relay_oldest_unpublished_seconds").set(lag.oldest_seconds);
    metrics::gauge!("clustergenie_relay_since_progress_seconds").set(lag.stalled_seconds);
    health.holds_back(HeldBack {
        streams: lag.held_streams,
        events: lag.held_events,
    });
}

async fn measure(pool: &PgPool, published: Option<Position>) -> Result<Lag, StoreError> {
    sqlx::query_as(include_str!("lag.sql"))
        .bind(published.map(|p| p.0))
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
        health.publisher.becomes(State::Leading);
        tokio::join!(run(&pool, &health, &stop), async {
            tells("clustergenie_relay_lag_events 2").await;
            health.publisher.becomes(State::Standby);
            tells("clustergenie_relay_lag_events 0").await;
            tells("clustergenie_relay_lag_seconds 0").await;
            tells("clustergenie_relay_oldest_unpublished_seconds 0").await;
            tells("clustergenie_relay_since_progress_seconds 0").await;
            stop.cancel();
        });
    }

    #[tokio::test]
    async fn what_has_no_position_yet_counts_as_unpublished() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let nothing = measure(&pool, None).await.unwrap();
        assert_eq!((nothing.events, nothing.held_events), (0, 0));
        assert_eq!((nothing.oldest_seconds, nothing.stalled_seconds), (0., 0.));

        Recorder::new(pool.clone()).jobs(1).await;
        let unsequenced = measure(&pool, None).await.unwrap();
        assert_eq!(unsequenced.events, 0);
        assert!(unsequenced.oldest_seconds > 0., "{unsequenced:?}");

        sequence(&pool).await;
        let unpublished = measure(&pool, None).await.unwrap();
        assert_eq!(unpublished.events, 3);
        assert!(unpublished.seconds > 0., "{unpublished:?}");
        assert!(unpublished.stalled_seconds > 0., "{unpublished:?}");

        let published = measure(&pool, Some(Position(3))).await.unwrap();
        assert_eq!((published.events, published.seconds), (0, 0.));
        assert_eq!(
            (published.oldest_seconds, published.stalled_seconds),
            (0., 0.)
        );
    }

    #[tokio::test]
    async fn one_that_cannot_reach_kafka_goes_by_what_the_last_one_noted() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        Recorder::new(pool.clone()).jobs(3).await;
        sequence(&pool).await;
        sqlx::query("update es.published set position = 4")
            .execute(&pool)
            .await
            .unwrap();
        let lag = measure(&pool, None).await.unwrap();
        assert_eq!(lag.events, 5);
        assert!(lag.seconds > 0. && lag.stalled_seconds > 0., "{lag:?}");
    }

    #[tokio::test]
    async fn what_is_held_back_counts_as_unpublished_and_skipped_events_do_not() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let streams = Recorder::new(pool.clone()).jobs(2).await;
        sequence(&pool).await;
        sqlx::query(
            "insert into es.unpublished (position, stream_id, error, attempts) \
             select l.position, e.stream_id, 'too large', 1 \
             from es.log l join es.events e using (seq) where e.version = 3",
        )
        .execute(&pool)
        .await
        .unwrap();
        let held = measure(&pool, Some(Position(6))).await.unwrap();
        assert_eq!((held.held_streams, held.held_events), (2, 2));
        assert_eq!((held.events, held.stalled_seconds), (0, 0.));
        assert!(held.oldest_seconds > 0., "{held:?}");

        for stream in streams {
            event_store::unpublished::skip(&pool, stream.uuid, "me", "not needed")
                .await
                .unwrap();
        }
        let skipped = measure(&pool, Some(Position(6))).await.unwrap();
        assert_eq!((skipped.held_events, skipped.oldest_seconds), (0, 0.));
    }
}
