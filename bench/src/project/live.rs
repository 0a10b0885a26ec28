//! The consumers of all read models in one process, on the shared reader of the log.

use std::time::{Duration, Instant};

use event_store::consume::consumer;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::source::LogSource;
use event_store::consume::wake::Signal;
use event_store::incarnation::Incarnations;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::POLL_INTERVAL;

/// The interval at which consumers read without a signal.
const PATIENCE: Duration = Duration::from_millis(50);

/// Runs the consumers until all have applied all events, and returns the rate of these events.
///
/// # Errors
/// When Postgres fails.
pub(super) async fn measure(pool: &PgPool, events: i64) -> anyhow::Result<f64> {
    let log = SharedLog::new(pool.clone(), Incarnations::of(pool.clone()));
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for model in projections::consumers() {
        let mut source = LogSource::new(
            log.clone(),
            model.name(),
            model.stream_types(),
            Signal::new(),
            PATIENCE,
        );
        let (pool, stop) = (pool.clone(), stop.clone());
        tasks.spawn(async move {
            consumer::run(pool, model.as_ref(), &mut source, stop).await;
        });
    }
    while !is_caught_up(pool).await? {
        sleep(POLL_INTERVAL).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    stop.cancel();
    tasks.join_all().await;
    Ok(events as f64 / seconds)
}

async fn is_caught_up(pool: &PgPool) -> anyhow::Result<bool> {
    let consumers = i64::try_from(projections::consumers().len())?;
    Ok(sqlx::query_scalar(
        "select count(distinct c.consumer) = $1 and bool_and(c.position >= coalesce(h.position, 0)) \
         from es.checkpoints c join es.generations g using (consumer, generation) \
         left join (select shard, max(position) as position from es.log group by shard) h using (shard) \
         where g.state = 'SERVING'",
    )
    .bind(consumers)
    .fetch_one(pool)
    .await?)
}
