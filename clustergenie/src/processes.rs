//! The roles of a distributed installation: `migrate`, `api`, `relay`, `project`, `work`. Any number
//! of processes may have the same role.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::auth::Auth;
use api::services::Services;
use event_store::cloudevent::Topics;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::wake::{Hint, UNTIL_HINTED, Wake};
use event_store::pool::{self, Purpose};
use event_store::stream_types;
use projections::consistency;
use projections::reader::Reader;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::config::{Api, Database, Kafka, Migrate, Observed, Project, Relay, Work};
use crate::key;
use crate::readiness::{self, Parts, Publishing, Ready, Standby};
use crate::tasks::{GRACE, Tasks};
use crate::telemetry::Metrics;
use crate::wiring::{self, Brokers, Feed};

/// Pause between two tries to reach the database.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Passwords that everybody tries first.
const KNOWN_PASSWORDS: [&str; 7] = [
    "",
    "admin",
    "changeme",
    "clustergenie",
    "password",
    "postgres",
    "secret",
];

/// Brings the database to this program's version.
///
/// # Errors
/// When the database does not answer in time, or cannot be migrated.
pub(crate) async fn migrate(settings: Migrate) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let started = Instant::now();
    let pool = loop {
        match pool::connect(&settings.database.database_url, Purpose::Maintenance, 1).await {
            Ok(pool) => break pool,
            // Other errors (a wrong password, a malformed URL) do not pass by waiting.
            Err(error) if may_pass(&error) && started.elapsed() < settings.patience => {
                tracing::info!(%error, "waiting for the database");
                tokio::time::sleep(TRY_EVERY).await;
            }
            Err(error) => return Err(error).context(UNREACHABLE),
        }
    };
    schema::migrate::migrate(&pool).await?;
    stream_types::declare(&pool).await?;
    tracing::info!("the database is at the version of this program");
    pool.close().await;
    Ok(())
}

/// Serves the API.
///
/// # Errors
/// When something cannot be started, or a part failed.
pub(crate) async fn api(settings: Api) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let key = signing_key(&settings.jwt_key_file)?;
    let auth = Auth::new(&key)?;
    let store = connect(&settings.database, Purpose::Commands, 20).await?;
    stream_types::declare(&store).await?;
    let appending = connect(&settings.database, Purpose::Commands, 2).await?;
    let queries = connect(&settings.database, Purpose::Queries, 20).await?;
    // Hints have connections of their own, so that they never wait behind commands.
    let hints = connect(&settings.database, Purpose::Relay, 4).await?;
    let metrics = Metrics::start()?;
    let wake = Wake::default();
    let mut tasks = Tasks::new(GRACE);

    wiring::announce(&mut tasks, &hints, &wake, Hint::Appended);
    wiring::take_in(&mut tasks, &hints, &wake, Hint::Sequenced);
    wiring::take_in(&mut tasks, &hints, &wake, Hint::Applied);
    let reader = Reader::new(queries, store.clone());
    let ready = Ready::new(Parts {
        pool: store.clone(),
        // Read models that lag are no reason to send clients away: commands go on, queries answer, and a
        // query that must see a write says so itself. Those who build the read models tell of it.
        consumers: Vec::new(),
        relay: None,
    });
    wiring::observe(&mut tasks, &ready, &metrics);
    let services = Services {
        commands: wiring::commands(&mut tasks, &store, appending, &wake),
        consistency: wiring::consistency(&mut tasks, &reader, &wake, &settings.clients),
        reader,
        changes: wiring::changes(
            &mut tasks,
            &store,
            SharedLog::new(store.clone()),
            &wake,
            UNTIL_HINTED,
        ),
        operating: wiring::operating(&store, &wake),
        operators: settings.clients.operators_org.clone(),
        readiness: Arc::clone(&ready) as _,
    };
    let listener = wiring::listen(settings.listen).await?;
    tracing::info!(address = %listener.local_addr()?, "serving the API");
    wiring::api(
        &mut tasks,
        listener,
        services,
        auth,
        &settings.clients,
        &metrics,
    )
    .await?;
    tasks.run().await
}

/// Sequences and publishes.
///
/// # Errors
/// When something cannot be started, or a part failed.
pub(crate) async fn relay(settings: Relay) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let pool = connect(&settings.database, Purpose::Relay, 10).await?;
    let wake = Wake::default();
    let mut tasks = Tasks::new(GRACE);
    wiring::take_in(&mut tasks, &pool, &wake, Hint::Appended);
    // Another relay may be the one that sequences.
    wiring::take_in(&mut tasks, &pool, &wake, Hint::Sequenced);
    wiring::announce(&mut tasks, &pool, &wake, Hint::Sequenced);
    let health = wiring::relay(&mut tasks, &pool, &wake, Some(brokers(settings.kafka)));
    let relay = readiness::Relay {
        health,
        publishing: Publishing::Kafka,
        standby: Standby::IsReady,
    };
    let ready = Ready::new(Parts {
        pool,
        consumers: Vec::new(),
        relay: Some(relay),
    });
    observe(&mut tasks, &ready, &settings.observed).await?;
    tasks.run().await
}

/// Builds the read models.
///
/// # Errors
/// When something cannot be started, or a part failed.
pub(crate) async fn project(settings: Project) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let pool = connect(&settings.database, Purpose::Consumers, 16).await?;
    // Hints have a connection of their own, so that they never wait behind batches.
    let hints = connect(&settings.database, Purpose::Relay, 1).await?;
    let feed = Feed::Kafka(brokers(settings.kafka));
    let wake = Wake::default();
    let mut tasks = Tasks::new(GRACE);
    wiring::announce(&mut tasks, &hints, &wake, Hint::Applied);
    let projections = consistency::announcing(projections::all(), &wake.applied);
    wiring::consumers(&mut tasks, &pool, &wake, &feed, projections)?;
    wiring::rebuilds(&mut tasks, &pool, &wake);
    let ready = Ready::new(Parts {
        pool,
        consumers: projections::all(),
        relay: None,
    });
    observe(&mut tasks, &ready, &settings.observed).await?;
    tasks.run().await
}

/// Works off the platform's own jobs.
///
/// # Errors
/// When something cannot be started, or a part failed.
pub(crate) async fn work(settings: Work) -> anyhow::Result<()> {
    warn_of_known_password(&settings.database);
    let store = connect(&settings.database, Purpose::Commands, 10).await?;
    stream_types::declare(&store).await?;
    let appending = connect(&settings.database, Purpose::Commands, 2).await?;
    let pool = connect(&settings.database, Purpose::Consumers, 16).await?;
    let feed = Feed::Kafka(brokers(settings.kafka));
    let wake = Wake::default();
    let mut tasks = Tasks::new(GRACE);
    wiring::announce(&mut tasks, &pool, &wake, Hint::Appended);
    let commands = wiring::commands(&mut tasks, &store, appending, &wake);
    let todo = wiring::platform(&mut tasks, &pool, commands, &settings.provider);
    wiring::consumers(&mut tasks, &pool, &wake, &feed, vec![todo.clone()])?;
    let ready = Ready::new(Parts {
        pool,
        consumers: vec![todo],
        relay: None,
    });
    observe(&mut tasks, &ready, &settings.observed).await?;
    tasks.run().await
}

const UNREACHABLE: &str =
    "the database cannot be used: check --database-url (CLUSTERGENIE_DATABASE_URL)";

/// Opens a pool on a database that is at this program's version.
async fn connect(
    database: &Database,
    purpose: Purpose,
    connections: u32,
) -> anyhow::Result<PgPool> {
    let pool = pool::connect(&database.database_url, purpose, connections)
        .await
        .context(UNREACHABLE)?;
    // The role that clients' queries run as sees read models only.
    if purpose != Purpose::Queries {
        schema::migrate::check(&pool).await?;
    }
    Ok(pool)
}

fn brokers(kafka: Kafka) -> Brokers {
    Brokers {
        addresses: kafka.brokers,
        topics: Topics::new(kafka.topics.prefix),
    }
}

/// Tells how the process is, at the address for that.
async fn observe(tasks: &mut Tasks, ready: &Arc<Ready>, observed: &Observed) -> anyhow::Result<()> {
    let metrics = Metrics::start()?;
    wiring::observe(tasks, ready, &metrics);
    let listener = wiring::listen(observed.metrics_listen).await?;
    tracing::info!(address = %listener.local_addr()?, "serving /livez, /readyz and /metrics");
    wiring::health(tasks, listener, ready, &metrics);
    Ok(())
}

fn signing_key(file: &Path) -> anyhow::Result<Vec<u8>> {
    let key = key::of_file(file)?;
    if key::is_for_development(&key) {
        tracing::warn!(
            file = %file.display(),
            "tokens are signed with a development key: make one of your own, for example with \
             `openssl rand -base64 48`"
        );
    }
    Ok(key)
}

/// A password that everybody knows must not go unnoticed; one in `PGPASSWORD` counts too.
fn warn_of_known_password(database: &Database) {
    let in_url = password_in(&database.database_url);
    let password = in_url
        .or_else(|| std::env::var("PGPASSWORD").ok())
        .unwrap_or_default();
    if KNOWN_PASSWORDS.contains(&password.as_str()) {
        tracing::warn!(
            "the database's password is empty or one that everybody tries first: set one of your \
             own before anybody else can reach the database"
        );
    }
}

/// The password in `postgres://user:password@host/...`, if there is one.
fn password_in(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    url.password().map(str::to_owned)
}

/// Whether waiting may help: the database does not listen yet, or is starting.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_in_a_url() {
        assert_eq!(
            password_in("postgres://me:s3cret@db/x").as_deref(),
            Some("s3cret")
        );
        assert_eq!(password_in("postgres://me@db/x"), None);
    }

    #[test]
    fn only_what_passes_is_waited_for() {
        assert!(may_pass(&sqlx::Error::PoolTimedOut));
        assert!(!may_pass(&sqlx::Error::RowNotFound));
    }
}
