//! A database with a history of one size: filled, appended to, and loaded from.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use domain::stream_type::StreamType;
use event_store::envelope::{StreamId, Version};
use event_store::incarnation;
use event_store::log;
use event_store::pool::{self, Purpose};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use super::queries::{self, Client, Query};
use crate::append::callers::{self, Callers};
use crate::latencies::percentile;
use crate::servers::{self, Servers};
use crate::settings::Settings;

/// The most callers at once.
const CALLERS: u16 = 16;
/// Events of the stream that is copied.
const EVENTS_OF_STREAM: u32 = 4;
/// Streams that are loaded in a round.
const LOADED: usize = 400;

/// A database with a history, and a server on it.
pub(super) struct History {
    /// The number of events, as reports name it.
    pub(super) name: String,
    pub(super) callers: Callers,
    pub(super) client: Client,
    pub(super) queries: Vec<Query>,
    pool: PgPool,
    streams: Vec<Uuid>,
}

impl History {
    /// Creates and fills a database of its own.
    ///
    /// # Errors
    /// When Postgres or the program fails.
    pub(super) async fn new(
        suite: &Settings,
        servers: &mut Servers,
        events: u32,
    ) -> anyhow::Result<Self> {
        let settings = settings_of(suite, events).await?;
        servers::migrate(&settings).await?;
        let owner = pool::connect(&settings.database_url, Purpose::Maintenance, 2).await?;
        let pool = pool::connect(&settings.database_url, Purpose::Commands, 8).await?;
        incarnation::ensure(&pool).await?;
        let callers = Callers::prepare(pool.clone(), CALLERS).await?;
        let template = callers.droplet_that_was_deleted().await?;
        fill(&owner, template, events).await?;
        let streams: Vec<Uuid> = sqlx::query_scalar(
            "select id from bench.streams where org = $1 and not is_live order by md5(id::text) limit $2",
        )
        .bind(callers::ORG)
        .bind(i64::try_from(LOADED)?)
        .fetch_all(&owner)
        .await?;
        let live: Uuid = sqlx::query_scalar("select id from bench.streams where is_live limit 1")
            .fetch_one(&owner)
            .await?;
        let (server, _) = servers.ours(&settings, callers::ORG).await?;
        let token = servers::token(&settings, callers::ORG, "admin").await?;
        Ok(Self {
            name: format!("{events} events"),
            callers,
            client: Client::open(server, token).await?,
            queries: queries::all(&format!("Droplet:{live}")),
            pool,
            streams,
        })
    }

    /// Loads streams one after the other. Returns the median of the latencies in milliseconds.
    ///
    /// # Errors
    /// When Postgres fails, or a stream lacks an event.
    pub(super) async fn load(&self) -> anyhow::Result<f64> {
        let mut times = Vec::with_capacity(self.streams.len());
        for uuid in &self.streams {
            let stream = StreamId {
                stream_type: StreamType::DROPLET,
                uuid: *uuid,
            };
            let begun = Instant::now();
            let events = log::read_stream(&self.pool, stream, Version::NONE).await?;
            times.push(begun.elapsed());
            ensure!(events.len() == 4, "{} of 4 events are loaded", events.len());
        }
        times.sort_unstable();
        Ok(percentile(&times, 50))
    }
}

/// Returns the settings for a new database, with a directory of its own.
///
/// # Errors
/// When Postgres fails, or the directory has files.
pub(super) async fn settings_of(suite: &Settings, events: u32) -> anyhow::Result<Settings> {
    let name = format!("growth_{events}");
    let server = pool::connect(&suite.database_url, Purpose::Maintenance, 1).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("create database {name}")))
        .execute(&server)
        .await?;
    let (before, _) = suite
        .database_url
        .rsplit_once('/')
        .context("the URL names no database")?;
    let dir: PathBuf = suite.dir.join(&name);
    let settings = Settings {
        database_url: format!("{before}/{name}"),
        dir,
        ..suite.clone()
    };
    settings.create_dir()?;
    servers::write_key(&settings.dir)?;
    Ok(settings)
}

/// Fills the database with copies of a stream. The whole history has `events` events of `bench`, and a tenth of that of
/// another organization.
async fn fill(owner: &PgPool, template: StreamId, events: u32) -> anyhow::Result<()> {
    let mut connection = owner.acquire().await?.detach();
    sqlx::raw_sql("create schema bench")
        .execute(&mut connection)
        .await?;
    let template = template.uuid;
    let create = format!(
        "create table bench.template as select version, event_type, schema_version, data, metadata \
         from es.events where stream_id = '{template}'"
    );
    sqlx::raw_sql(AssertSqlSafe(create))
        .execute(&mut connection)
        .await?;
    let count = (events / EVENTS_OF_STREAM).to_string();
    let streams = include_str!("streams.sql").replace("$streams", &count);
    sqlx::raw_sql(AssertSqlSafe(streams))
        .execute(&mut connection)
        .await?;
    give_shards(&mut connection).await?;
    let fill = include_str!("fill.sql").replace("$streams", &count);
    sqlx::raw_sql(AssertSqlSafe(fill))
        .execute(&mut connection)
        .await?;
    // Not part of a transaction, as several statements together are.
    sqlx::raw_sql("vacuum (freeze, analyze)")
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
    Ok(())
}

/// Gives the streams the shards that follow from their ids.
async fn give_shards(connection: &mut PgConnection) -> anyhow::Result<()> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from bench.streams")
        .fetch_all(&mut *connection)
        .await?;
    let shard = |uuid: &Uuid| {
        let stream = StreamId {
            stream_type: StreamType::DROPLET,
            uuid: *uuid,
        };
        stream.shard().0
    };
    let shards: Vec<i16> = ids.iter().map(shard).collect();
    sqlx::query(
        "update bench.streams s set shard = g.shard from unnest($1::uuid[], $2::smallint[]) as g(id, shard) \
         where s.id = g.id",
    )
    .bind(ids)
    .bind(shards)
    .execute(connection)
    .await?;
    Ok(())
}

/// The duration of one measurement of a query.
pub(super) fn turn(settings: &Settings) -> Duration {
    settings.length() / 40
}
