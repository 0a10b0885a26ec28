//! The lag of Kafka behind the log, in events and in seconds, whether or not Kafka can be reached.

use std::time::Duration;

use event_store::envelope::Position;
use event_store::error::StoreError;
use event_store::lease::Lease;
use sqlx::{FromRow, PgPool};
use tokio_util::sync::CancellationToken;

use crate::health::{RelayHealth, State};

/// The interval between measurements of the lag.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);

/// Measures the lag until `stop`. Reports nothing while another process leads, whose lag it is. A former
/// leader reports 0 last, so that an old value does not stay.
pub(crate) async fn run(pool: &PgPool, health: &RelayHealth, stop: &CancellationToken) {
    let mut reported = false;
    while !stop.is_cancelled() {
        if is_ours_to_report(health) {
            match measure(pool, health.published()).await {
                Ok(lag) => {
                    report(&lag);
                    reported = true;
                }
                Err(error) => tracing::debug!(%error, "the relay's lag was not measured"),
            }
        } else if reported {
            report(&Lag::default());
            reported = false;
        }
        tokio::select! {
            () = tokio::time::sleep(MEASURE_INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Records the progress of the publisher, so that the lag can be measured also while Kafka cannot be
/// reached.
///
/// # Errors
/// [`StoreError::Fenced`] when another process has the lease by now; [`StoreError::Unavailable`] when
/// Postgres fails.
pub(crate) async fn note_progress(
    pool: &PgPool,
    lease: &Lease,
    position: Position,
) -> Result<(), StoreError> {
    let leading = sqlx::query_scalar(
        "with lease as (select from es.leases where name = $1 and epoch = $2), \
         noted as ( \
             update es.published set position = $3, moved_at = clock_timestamp() \
             from lease where position <> $3) \
         select exists (select from lease)",
    )
    .bind(lease.name)
    .bind(lease.epoch)
    .bind(position.0)
    .fetch_one(pool)
    .await
    .map_err(StoreError::unavailable("noting how far Kafka is"))?;
    if leading {
        Ok(())
    } else {
        Err(StoreError::Fenced {
            what: format!("the lease `{}`", lease.name),
        })
    }
}

/// Returns the progress that the last publisher recorded; the start if nothing was ever published.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn noted(pool: &PgPool) -> Result<Position, StoreError> {
    sqlx::query_scalar("select position from es.published")
        .fetch_one(pool)
        .await
        .map(Position)
        .map_err(StoreError::unavailable("reading how far Kafka is"))
}

/// True if this process reports the lag: it leads, or should lead and cannot. A process that has never
/// reached Kafka uses the progress that the last publisher recorded.
fn is_ours_to_report(health: &RelayHealth) -> bool {
    match health.publisher.condition().state {
        State::Leading | State::Failing { .. } => true,
        State::Starting | State::Standby => false,
    }
}

/// The lag of Kafka.
#[derive(Debug, Default, FromRow)]
struct Lag {
    /// Events after the position up to which Kafka has them.
    events: i64,
    /// The age of the oldest of those, by the time of its recording.
    seconds: f64,
    /// The age of the oldest event that Kafka does not have: it comes next, or has no position yet.
    oldest_seconds: f64,
    /// The time in which Kafka has got nothing although there was something to publish.
    stalled_seconds: f64,
}

fn report(lag: &Lag) {
    metrics::gauge!("clustergenie_relay_lag_events").set(lag.events as f64);
    metrics::gauge!("clustergenie_relay_lag_seconds").set(lag.seconds);
    metrics::gauge!("clustergenie_relay_oldest_unpublished_seconds").set(lag.oldest_seconds);
    metrics::gauge!("clustergenie_relay_since_progress_seconds").set(lag.stalled_seconds);
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
    use event_store::lease;
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
        let reported = recorder.handle();
        let _on_this_thread = metrics::set_default_local_recorder(&recorder);
        let reports = async |line: &str| {
            wait::until(line, async || {
                reported.render().lines().any(|l| l == line).then_some(())
            })
            .await;
        };

        let (health, stop) = (RelayHealth::new(), CancellationToken::new());
        health.published_up_to(Position(1));
        health.publisher.becomes(State::Leading);
        tokio::join!(run(&pool, &health, &stop), async {
            reports("clustergenie_relay_lag_events 2").await;
            health.publisher.becomes(State::Standby);
            reports("clustergenie_relay_lag_events 0").await;
            reports("clustergenie_relay_lag_seconds 0").await;
            reports("clustergenie_relay_oldest_unpublished_seconds 0").await;
            reports("clustergenie_relay_since_progress_seconds 0").await;
            stop.cancel();
        });
    }

    #[tokio::test]
    async fn what_has_no_position_yet_counts_as_unpublished() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let nothing = measure(&pool, None).await.unwrap();
        assert_eq!(nothing.events, 0);
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
    async fn one_that_was_taken_over_notes_nothing() {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let leader = async |owner: &str| {
            sqlx::query("update es.leases set expires_at = '-infinity'")
                .execute(&pool)
                .await
                .unwrap();
            lease::acquire(&pool, "publisher", owner)
                .await
                .unwrap()
                .unwrap()
        };
        let old = leader("old").await;
        note_progress(&pool, &old, Position(7)).await.unwrap();
        let new = leader("new").await;
        let noted = note_progress(&pool, &old, Position(9)).await;
        assert!(matches!(noted, Err(StoreError::Fenced { .. })), "{noted:?}");
        let position = async || -> i64 {
            sqlx::query_scalar("select position from es.published")
                .fetch_one(&pool)
                .await
                .unwrap()
        };
        assert_eq!(position().await, 7);
        note_progress(&pool, &new, Position(8)).await.unwrap();
        assert_eq!(position().await, 8);
    }
}
