//! Bare inserts of rows of the size of an event, sent by `pgbench`.

use std::fs;

use sqlx::PgPool;

use super::callers::Measured;
use crate::pgbench;
use crate::settings::Settings;

/// Rows a commit.
pub(super) const ROWS: [u16; 2] = [1, 100];

/// The goal of 64 callers names 32 clients; more of them only wait for each other.
pub(super) const MOST_CLIENTS: u16 = 32;

/// Returns the name of the work.
pub(super) fn name(clients: u16, rows: u16) -> String {
    format!("{rows} rows a commit, {clients} clients")
}

/// Creates the table, with nothing but a primary key.
///
/// # Errors
/// When Postgres fails.
pub(super) async fn create(owner: &PgPool) -> anyhow::Result<()> {
    sqlx::raw_sql(
        "create schema bench; create table bench.commits (id bigint generated always as identity primary key, \
         stream_id uuid, version bigint, event_id uuid, org_id text, event_type text, data text, metadata text)",
    )
    .execute(owner)
    .await?;
    Ok(())
}

/// Inserts for the duration of a run.
///
/// # Errors
/// When `pgbench` fails.
pub(super) async fn measure(
    settings: &Settings,
    clients: u16,
    rows: u16,
) -> anyhow::Result<Measured> {
    let metadata = r#"{"actor":"bench","command_id":"01990000-0000-7000-8000-000000000000","correlation_id":"01990000-0000-7000-8000-000000000000","source":"api","occurred_at":"2026-01-01T00:00:00Z"}"#;
    let script = settings.dir.join(format!("commits-{rows}.sql"));
    fs::write(
        &script,
        format!(
            "insert into bench.commits (stream_id, version, event_id, org_id, event_type, data, metadata) \
             select gen_random_uuid(), 1, gen_random_uuid(), 'bench', 'droplet_tagged', '{{\"tag\":\"bench\"}}', \
             '{metadata}' from generate_series(1, {rows});\n"
        ),
    )?;
    let sent = pgbench::run(settings, &script, clients, settings.length(), "").await?;
    Ok(Measured {
        per_second: sent.per_second * f64::from(rows),
        mean_millis: sent.mean_millis,
    })
}
