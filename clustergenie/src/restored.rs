//! `clustergenie restored`: declares that a database was restored in a way that it cannot notice by itself.

use std::future::pending;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, ensure};
use event_store::incarnation::{self, Lineage};
use event_store::pool::{self, Purpose};
use sqlx::PgPool;
use tokio::time::Instant;

use crate::config::Restored;
use crate::data_directory::DataDirectory;
use crate::postgres::PrivatePostgres;

/// The time for which sessions may still be ending: those of stopped processes, and our own first one.
const PATIENCE: Duration = Duration::from_secs(3);
/// Poll interval for their end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Begins a new incarnation of the log, with its fork at the head.
///
/// # Errors
/// When a process uses the database, or the database cannot be used.
pub(crate) async fn run(settings: Restored) -> anyhow::Result<()> {
    let lineage = match &settings.database_url {
        Some(url) => declare(url, &settings.reason).await?,
        None => {
            ensure!(
                settings.data.join("postgres").is_dir(),
                "{} is not a data directory: pass --data, or --database-url",
                settings.data.display()
            );
            // Refused while an `up` runs on it.
            let data = DataDirectory::lock(&settings.data)?;
            let bin = settings.postgres_bin.as_deref();
            let postgres = PrivatePostgres::start(data.path(), bin, &[]).await?;
            let declared = declare(postgres.url(), &settings.reason).await;
            let stopped = postgres.stop(pending()).await;
            let lineage = declared?;
            stopped?;
            lineage
        }
    };
    let current = lineage.current();
    writeln!(
        std::io::stdout(),
        "The log is in the incarnation {} and kept the positions up to {}. Start the platform.",
        current.id,
        current.fork
    )
    .context("the result cannot be printed")
}

async fn declare(url: &str, reason: &str) -> anyhow::Result<Lineage> {
    let pool = pool::connect(url, Purpose::Operators, 1)
        .await
        .context("the database cannot be used")?;
    schema::migrate::check(&pool).await?;
    refuse_in_use(&pool).await?;
    let lineage = incarnation::declare(&pool, reason).await?;
    pool.close().await;
    Ok(lineage)
}

/// Refuses while a process of the platform uses the database: it may rest on what was before the restore.
async fn refuse_in_use(pool: &PgPool) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let users: Option<String> = sqlx::query_scalar(
            "select string_agg(distinct application_name, ', ') from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid() \
                 and application_name like 'clustergenie %'",
        )
        .fetch_one(pool)
        .await
        .context("the users of the database cannot be read")?;
        let Some(users) = users else {
            return Ok(());
        };
        ensure!(
            started.elapsed() < PATIENCE,
            "the platform uses the database ({users}): stop all its processes first"
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
