//! `clustergenie up`: everything in one process, with a Postgres of its own.

mod announcement;

use std::future::pending;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use api::graph::services::Services;
use api::identity::tokens::Auth;
use domain::ids::OrgId;
use event_store::cloudevent::Topics;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::wake::{UNTIL_HINTED, Wake};
use event_store::incarnation::{self, Incarnations};
use event_store::pool::{self, Purpose};
use event_store::stream_types;
use projections::consistency;
use projections::reader::Reader;
use sqlx::PgPool;
use tokio::net::TcpListener;

use self::announcement::Announcement;
use crate::archive;
use crate::config::Up;
use crate::data_directory::DataDirectory;
use crate::postgres::series::Series;
use crate::postgres::{PrivatePostgres, backup, login};
use crate::readiness::{Dependencies, Publishing, Ready, Relay, Standby};
use crate::tasks::{Signals, Stage, Tasks};
use crate::telemetry::Metrics;
use crate::wiring::consumers::{self, Feed};
use crate::wiring::pools::Pools;
use crate::wiring::{Brokers, commands, http, process_managers, queries, relay};
use crate::{key, secret_file};

/// The organization of the first token.
const ORG: &str = "demo";

/// Runs until a signal or a failed part; then stops everything, Postgres last.
///
/// # Errors
/// When a setting is unusable, Postgres cannot be started or stopped, or a part failed.
pub(crate) async fn run(settings: Up) -> anyhow::Result<()> {
    let data = DataDirectory::lock(&settings.data)?;
    // The file of an earlier run would be false.
    remove_ready_file(settings.ready_file.as_deref())?;
    // Before Postgres is started, so that a wrong address is reported at once.
    let listener = http::listen(settings.listen).await?;
    let key = key::make_in_data_directory(data.path())?;
    let (bin, backup) = (settings.postgres_bin.as_deref(), settings.backup.as_deref());
    let series = backup.map(|backup| Series::open(data.path(), backup));
    let series = series.transpose()?;
    let postgres = PrivatePostgres::start_archiving(data.path(), bin, series.as_ref()).await?;
    let serving = async {
        if let Some(series) = &series {
            // Before anything is written that only this series has.
            backup::ensure_base(data.path(), series, bin).await?;
        }
        serve(&settings, listener, &key, &postgres).await
    };
    let ended = serving.await;
    let removed = remove_ready_file(settings.ready_file.as_deref());
    let stopped = postgres.stop(another_signal()).await;
    ended.and(stopped).and(removed)
}

async fn serve(
    settings: &Up,
    listener: TcpListener,
    key: &[u8],
    postgres: &PrivatePostgres,
) -> anyhow::Result<()> {
    let address = listener
        .local_addr()
        .context("the address of the API is unknown")?;
    let mut tasks = http::tasks(&settings.clients);
    let ready = start(&mut tasks, settings, listener, key, postgres.url()).await?;

    let watched = postgres.clone();
    tasks.spawn_foundation("postgres", |stop| async move {
        tokio::select! {
            error = watched.ended() => Err(error),
            () = stop.cancelled() => Ok(()),
        }
    });
    let announcement = Announcement::new(address, key, postgres.url(), settings)?;
    tasks.spawn(Stage::Serve, "announcement", |stop| async move {
        if let Some(published) = stop.run_until_cancelled(announcement.publish(&ready)).await {
            published?;
        }
        stop.cancelled().await;
        Ok(())
    });
    tasks.run().await
}

/// Returns at the next signal, so that the fast shutdown of Postgres need not reach its timeout.
async fn another_signal() {
    match Signals::listen() {
        Ok(mut signals) => {
            signals.next().await;
        }
        Err(_) => pending().await,
    }
}

/// Removes the ready file, whose contents are valid only while the platform serves.
fn remove_ready_file(ready_file: Option<&Path>) -> anyhow::Result<()> {
    let Some(file) = ready_file else {
        return Ok(());
    };
    secret_file::remove(file).with_context(|| format!("{} cannot be removed", file.display()))
}

/// Starts all parts in the task set. `database_url` has the owner of the tables, who only migrates.
async fn start(
    tasks: &mut Tasks,
    settings: &Up,
    listener: TcpListener,
    key: &[u8],
    database_url: &str,
) -> anyhow::Result<Arc<Ready>> {
    migrate(database_url).await?;
    let database_url = &login::of_processes(database_url).await?;
    let pools = Pools::open(async |purpose, size| connect(database_url, purpose, size).await);
    let pools = pools.await?;
    let relaying = connect(database_url, Purpose::Relay, 6).await?;
    let consuming = connect(database_url, Purpose::Consumers, 16).await?;
    let metrics = Metrics::start()?;
    let wake = Wake::default();

    let kafka = settings.kafka.clone().map(|addresses| Brokers {
        addresses,
        topics: Topics::new(settings.topics.prefix.clone()),
    });
    let publishing = if kafka.is_some() {
        Publishing::Kafka
    } else {
        Publishing::Nowhere
    };
    let log = SharedLog::new(consuming.clone(), Incarnations::of(consuming.clone()));
    let feed = kafka.clone().map_or(Feed::Log(log.clone()), Feed::Kafka);
    archive::start(tasks, &relaying, &wake, &settings.archive)?;
    let health = relay::start(tasks, &relaying, &wake, kafka, &settings.republish);

    let executor = commands::executor(tasks, pools.commands, pools.appending, &wake).await?;
    let mut followers = consistency::announcing(projections::all(), &wake.applied);
    followers.extend(process_managers::start(
        tasks,
        &consuming,
        executor.clone(),
        &settings.provider,
    ));
    consumers::start(tasks, &consuming, &wake, &feed, followers.clone())?;
    consumers::start_rebuilds(tasks, &consuming, &wake);

    let incarnations = Incarnations::open(pools.platform.clone()).await?;
    let reader = Reader::new(pools.queries, pools.platform.clone(), incarnations);
    let ready = Ready::new(Dependencies {
        pool: pools.probes,
        consumers: followers,
        relay: Some(Relay {
            health,
            publishing,
            standby: Standby::IsNotReady,
        }),
        backs_up: settings.backup.is_some(),
        draining: tasks.draining(),
    });
    http::keep_current(tasks, &ready, &metrics);
    if let Some(address) = settings.metrics_listen {
        http::serve_operations(tasks, &ready, &metrics, address).await?;
    }
    let services = Services {
        commands: executor,
        consistency: queries::consistency(tasks, &reader, &wake, &settings.clients),
        reader,
        changes: queries::changes(
            tasks,
            &pools.tail,
            pools.subscriptions,
            log,
            &wake,
            UNTIL_HINTED,
        ),
        operating: queries::operations(&pools.platform, &wake),
        operators: Some(settings.clients.operators_org.clone().unwrap_or_else(demo)),
        readiness: Arc::clone(&ready) as _,
    };
    let auth = Auth::new(key)?;
    http::serve_api(tasks, listener, services, auth, &settings.clients, &metrics).await?;
    Ok(ready)
}

/// Migrates without the statement timeouts of the pools that serve.
async fn migrate(database_url: &str) -> anyhow::Result<()> {
    let pool = connect(database_url, Purpose::Maintenance, 2).await?;
    schema::migrate::migrate(&pool).await?;
    projections::tables::migrate(&pool).await?;
    stream_types::declare(&pool).await?;
    incarnation::ensure(&pool).await?;
    pool.close().await;
    Ok(())
}

async fn connect(url: &str, purpose: Purpose, connections: u32) -> anyhow::Result<PgPool> {
    pool::connect(url, purpose, connections)
        .await
        .context("the private Postgres does not take connections")
}

fn demo() -> OrgId {
    OrgId::parse(ORG).expect("the name of the demo organization is well-formed")
}
