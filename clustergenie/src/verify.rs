//! `clustergenie verify`: checks that event store, log, Kafka and read models hold the same events, while the
//! platform runs.
//!
//! The verification writes nothing but temporary tables of its own sessions. Its only long statements are
//! those that compare read models. Concurrent work is never reported as a difference: `event_store::audit`
//! and `outbox_relay::audit` prove it. A check that fails to run does not prevent the others.

mod read_models;
mod report;
mod watch;

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use event_store::audit::finding::Progress;
use event_store::audit::{Audit, Bounds, checkpoints, digests, events, log, positions, streams};
use event_store::cloudevent::Topics;
use event_store::pool::{self, Purpose};
use projections::compare::Sample;
use sqlx::PgPool;
use tokio::time::Instant;

use self::report::{Checked, Report, Sampled};
use crate::config::Verify;
use crate::output::readable;
use crate::tasks::Signals;

/// Connections for the checks of the store; one is used at a time.
const CONNECTIONS: u32 = 2;
/// Connections for comparing read models: a snapshot, temporary tables, the log.
const CONNECTIONS_TO_COMPARE: u32 = 4;

/// Runs all checks and prints the report to standard output. Returns 0 if everything holds, 1 if there are
/// differences, 2 if there are none but a check could not run.
///
/// # Errors
/// When nothing can be checked, or on an interrupt; the exit status is 2 as well.
pub(crate) async fn run(settings: Verify) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let report = tokio::select! {
        report = verify(&settings) => report?,
        signal = signals.next() => bail!("interrupted by {signal} before everything was checked"),
    };
    let text = if settings.json {
        format!("{}\n", serde_json::to_string_pretty(&report)?)
    } else {
        readable(&report.table())
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("the report cannot be printed")?;
    Ok(report.exit_code())
}

async fn verify(settings: &Verify) -> anyhow::Result<Report> {
    let started = Instant::now();
    let url = settings.database.url()?;
    let pool = connect(&url, Purpose::Audit, CONNECTIONS).await?;
    schema::migrate::check(&pool).await?;
    let progress = Progress::default();
    let audit = Audit {
        pool: &pool,
        bounds: Bounds::read(&pool).await?,
        progress: &progress,
    };
    let mut checks = of_store(&audit).await;
    if let Some(brokers) = &settings.kafka {
        let topics = Topics::new(settings.topics.prefix.clone());
        let check = outbox_relay::audit::check(&audit, brokers, &topics);
        checks.push(watch::check("kafka", "messages", &progress, check).await);
    } else if publishes(&pool).await? {
        tracing::warn!(
            "this platform publishes to Kafka, which was not checked: pass its brokers with --kafka"
        );
    }
    let from = settings.sample_from.unwrap_or_else(random_start);
    let sample = Sample::share(settings.sample, from);
    let check = async { Ok(commands::replay::check(&audit, |stream| sample.has(stream)).await?) };
    checks.push(watch::check("commands", "commands", &progress, check).await);
    let history_holds = !checks.iter().any(Checked::differs);
    let pool = connect(&url, Purpose::Operators, CONNECTIONS_TO_COMPARE).await?;
    for projection in projections::all() {
        let name = format!("read_v1.{}", projection.name());
        progress.begin(0);
        let check = read_models::check(&pool, projection.as_ref(), sample, history_holds);
        checks.push(watch::check(name, "rows", &progress, check).await);
    }
    let sampled = (!sample.is_all()).then_some(Sampled {
        share: settings.sample,
        from,
    });
    let head = audit.bounds.head;
    Ok(Report::new(head, sampled, checks, started.elapsed()))
}

/// True if any event was ever published.
async fn publishes(pool: &PgPool) -> anyhow::Result<bool> {
    sqlx::query_scalar("select exists (select from es.published where position > 0)")
        .fetch_one(pool)
        .await
        .context("the publisher's progress cannot be read")
}

/// A random start for a sample. Over many runs every stream is sampled.
fn random_start() -> u16 {
    let [high, low, ..] = RandomState::new().hash_one(()).to_be_bytes();
    u16::from_be_bytes([high, low])
}

async fn of_store(audit: &Audit<'_>) -> Vec<Checked> {
    let progress = audit.progress;
    // The name of a check, its unit, and its module.
    macro_rules! check {
        ($name:literal, $unit:literal, $module:ident) => {
            watch::check($name, $unit, progress, async {
                Ok($module::check(audit).await?)
            })
            .await
        };
    }
    vec![
        check!("positions", "positions", positions),
        check!("log", "events", log),
        check!("streams", "events", streams),
        check!("events", "events", events),
        check!("digests", "ranges", digests),
        check!("checkpoints", "checkpoints", checkpoints),
    ]
}

async fn connect(url: &str, purpose: Purpose, connections: u32) -> anyhow::Result<PgPool> {
    pool::connect(url, purpose, connections)
        .await
        .context("the database cannot be used: check --database-url (CLUSTERGENIE_DATABASE_URL)")
}
