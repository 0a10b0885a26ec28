//! The bytes that an event takes on disk, in all tables of the schema `es` but that of the recorded commands.

use commands::context::Context;
use domain::ids::JobId;
use event_store::incarnation;
use event_store::lease;
use event_store::log::digest;
use event_store::log::sequencer::Sequencer;
use event_store::pool::{self, Purpose};
use futures_util::StreamExt;
use futures_util::stream;
use sqlx::PgPool;

use super::history::settings_of;
use crate::append::callers::{Callers, context, run_job};
use crate::metadata::new_id;
use crate::report::{Bound, Report};
use crate::servers;
use crate::settings::Settings;

const BYTES: &str = "bytes";

/// Jobs, each of which has four events by a command each.
const JOBS: usize = 12_500;
const AT_ONCE: usize = 64;

/// Writes events through commands with and without idempotency keys, and adds the figures.
///
/// # Errors
/// When Postgres fails or a command is refused.
pub(super) async fn measure(suite: &Settings, report: &mut Report) -> anyhow::Result<()> {
    for (number, side) in [(1, "with keys"), (2, "without keys")] {
        let settings = settings_of(suite, number).await?;
        servers::migrate(&settings).await?;
        let owner = pool::connect(&settings.database_url, Purpose::Maintenance, 1).await?;
        let pool = pool::connect(&settings.database_url, Purpose::Commands, 8).await?;
        incarnation::ensure(&pool).await?;
        let callers = Callers::prepare(pool.clone(), 1).await?;
        let droplet = callers.first();
        let (commands, is_keyed) = (callers.commands(), number == 1);
        let jobs = (0..JOBS).map(|_| {
            run_job(commands, JobId::new(new_id()), droplet, || {
                context_of(is_keyed)
            })
        });
        let mut jobs = stream::iter(jobs).buffer_unordered(AT_ONCE);
        while let Some(done) = jobs.next().await {
            done?;
        }
        sequence(&pool).await?;
        while digest::make(&pool, 100).await? > 0 {}
        add_figures(report, side, &owner).await?;
    }
    Ok(())
}

/// A command with a key as clients make them: a random UUID.
fn context_of(is_keyed: bool) -> anyhow::Result<Context> {
    Ok(Context {
        idempotency_key: is_keyed.then(|| new_id().to_string()),
        ..context()?
    })
}

/// Gives all events their positions, as the relay does.
async fn sequence(pool: &PgPool) -> anyhow::Result<()> {
    let lease = lease::acquire(pool, "relay", "bench").await?;
    let lease = lease.ok_or_else(|| anyhow::anyhow!("another relay runs"))?;
    let mut sequencer = Sequencer::take_over(pool.clone(), &lease).await?;
    loop {
        let step = sequencer.step().await?;
        if step.sequenced == 0 && !step.more {
            return Ok(());
        }
    }
}

async fn add_figures(report: &mut Report, side: &str, owner: &PgPool) -> anyhow::Result<()> {
    let (events, content): (i64, i64) = sqlx::query_as(
        "select count(*), sum(octet_length(data::text) + octet_length(metadata::text)) from es.events",
    )
    .fetch_one(owner)
    .await?;
    let tables: Vec<(String, i64)> = sqlx::query_as(
        "select regexp_replace(c.relname, '_[0-9]+$', ''), sum(pg_total_relation_size(c.oid))::bigint \
         from pg_class c where c.relnamespace = 'es'::regnamespace and c.relkind = 'r' \
         and c.relname !~ '^commands' group by 1 order by 2 desc",
    )
    .fetch_all(owner)
    .await?;
    let of_event = |bytes: i64| bytes as f64 / events as f64;
    for (table, bytes) in tables.iter().filter(|(_, bytes)| of_event(*bytes) >= 1.0) {
        report.add(&format!("disk, es.{table}"), side, BYTES, of_event(*bytes));
    }
    let all = of_event(tables.iter().map(|(_, bytes)| bytes).sum());
    report.add("disk, an event in all", side, BYTES, all);
    report.add("payload and metadata", side, BYTES, of_event(content));
    let text = format!("disk: an event {side}, of payload and metadata");
    report.goal(
        &text,
        Some(all),
        Some(of_event(content)),
        Bound::AtMost(2.0),
    );
    Ok(())
}
