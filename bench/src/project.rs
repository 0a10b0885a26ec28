//! Events a second that read models apply: live, from the shared reader of the log, and in a rebuild of each model. The limit
//! reads the same rows with one cursor, and does nothing with them.
//!
//! Half of the events are of droplets and half of jobs. The rate of a rebuild counts the events that the model applies: a
//! model of droplets skips those of jobs. A rebuild compares all rows with a fresh fold of the log before they serve, and the
//! rate includes that.

mod history;
mod limit;
mod live;

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use event_store::consume::generation::{self, GenerationState};
use event_store::consume::wake::Signal;
use projections::model::ReadModel;
use projections::rebuild;
use sqlx::PgPool;
use tokio::time::{Duration, sleep};
use tokio_util::sync::CancellationToken;

use self::history::History;
use crate::report::{Bound, Report};
use crate::settings::Settings;

const RATE: &str = "events/s";

const EVENTS: i64 = 100_000;
const FULL_EVENTS: i64 = 1_000_000;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Measures all sides, and writes the report.
///
/// # Errors
/// When Postgres or the program fails, or a read model does not show all events.
pub(crate) async fn run(suite: Settings) -> anyhow::Result<()> {
    suite.create_dir()?;
    let events = if suite.full { FULL_EVENTS } else { EVENTS };
    let mut report = Report::new("project");
    let history = History::new(&suite).await?;
    for round in 0..suite.rounds {
        // The first round fills empty tables; every round adds a part of the events.
        let added = history.add(events / i64::from(suite.rounds)).await?;
        let rate = live::measure(&history.pool, added).await?;
        report.add("live, into every model", "ours", RATE, rate);
        if round + 1 == suite.rounds {
            history.check().await?;
        }
    }
    for _ in 0..suite.rounds {
        let rate = limit::measure(&history.pool).await?;
        report.add("reading with a cursor", "limit", RATE, rate);
        let mut seconds = 0.0;
        for model in projections::all() {
            let measured = rebuild_one(&history.pool, &model).await?;
            seconds += measured.seconds;
            // No event is of a cluster.
            if measured.events > 0.0 {
                let work = format!("rebuild of {}", model.name());
                report.add(&work, "ours", RATE, measured.events / measured.seconds);
            }
        }
        let all = history.events().await?;
        report.add("rebuild of every model", "ours", RATE, all as f64 / seconds);
    }
    history.check().await?;
    for model in projections::all() {
        let work = format!("rebuild of {}", model.name());
        if report.median(&work, "ours", RATE).is_some() {
            goal(&mut report, &work);
        }
    }
    goal(&mut report, "rebuild of every model");
    report.finish(&suite)
}

fn goal(report: &mut Report, work: &str) {
    report.goal(
        &format!("{work}, of reading with a cursor"),
        report.median(work, "ours", RATE),
        report.median("reading with a cursor", "limit", RATE),
        Bound::AtLeast(0.4),
    );
}

/// A rebuild.
struct Rebuilt {
    /// The events that the model applied.
    events: f64,
    seconds: f64,
}

/// Rebuilds a model, from the request until the new generation serves.
async fn rebuild_one(pool: &PgPool, model: &Arc<dyn ReadModel>) -> anyhow::Result<Rebuilt> {
    let shards = event_store::envelope::Shard::all(model.stream_types());
    let shards: Vec<i16> = shards.iter().map(|shard| shard.0).collect();
    let events: i64 = sqlx::query_scalar("select count(*) from es.log where shard = any($1)")
        .bind(shards)
        .fetch_one(pool)
        .await?;
    let begun = Instant::now();
    let generation = rebuild::request(pool, model.as_ref(), "bench", "a measurement").await?;
    let stop = CancellationToken::new();
    let models = vec![Arc::clone(model)];
    let rebuilds = rebuild::run(
        pool.clone(),
        models,
        Signal::new(),
        "bench".to_owned(),
        stop.clone(),
    );
    let serves = async {
        loop {
            match generation::state(pool, model.name(), generation).await? {
                Some(GenerationState::Serving) => break,
                state => ensure!(
                    state == Some(GenerationState::Building),
                    "the rebuild of {} ended as {state:?}",
                    model.name()
                ),
            }
            sleep(POLL_INTERVAL).await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        stop.cancel();
        Ok(seconds)
    };
    let (seconds, ()) = tokio::join!(serves, rebuilds);
    Ok(Rebuilt {
        events: events as f64,
        seconds: seconds?,
    })
}
