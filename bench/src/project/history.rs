//! A history that grows by copies of a droplet and a job, each written by commands.

use anyhow::ensure;
use domain::stream_type::StreamType;
use event_store::envelope::StreamId;
use event_store::incarnation;
use event_store::pool::{self, Purpose};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::append::callers::Callers;
use crate::metadata::new_id;
use crate::servers;
use crate::settings::Settings;

/// Events of the two streams that are copied.
const EVENTS_OF_TEMPLATES: i64 = 8;

/// The database with the history.
pub(super) struct History {
    pub(super) pool: PgPool,
    owner: PgPool,
}

impl History {
    /// Migrates the database, and writes the two streams.
    ///
    /// # Errors
    /// When Postgres or the program fails.
    pub(super) async fn new(settings: &Settings) -> anyhow::Result<Self> {
        servers::migrate(settings).await?;
        let owner = pool::connect(&settings.database_url, Purpose::Maintenance, 2).await?;
        let pool = pool::connect(&settings.database_url, Purpose::Consumers, 16).await?;
        incarnation::ensure(&pool).await?;
        let callers = Callers::prepare(pool.clone(), 1).await?;
        let streams = [
            callers.droplet_that_was_deleted().await?,
            callers.job_that_succeeded().await?,
        ];
        let streams = streams.map(|stream| stream.uuid);
        let create = format!(
            "create schema bench; \
             create table bench.template as select s.stream_type, e.version, event_type, schema_version, \
                 data, metadata from es.events e join es.streams s using (stream_id) where stream_id in ('{}', '{}')",
            streams[0], streams[1]
        );
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&owner).await?;
        Ok(Self { pool, owner })
    }

    /// Adds events to the log. Returns their number.
    ///
    /// # Errors
    /// When Postgres fails.
    pub(super) async fn add(&self, events: i64) -> anyhow::Result<i64> {
        let before = self.events().await?;
        let mut connection = self.owner.acquire().await?;
        sqlx::raw_sql(
            "create temporary table copied (n bigint, id uuid, shard smallint, stream_type text)",
        )
        .execute(&mut *connection)
        .await?;
        for stream_type in [StreamType::DROPLET, StreamType::JOB] {
            let streams = (0..events / EVENTS_OF_TEMPLATES).map(|_| StreamId {
                stream_type,
                uuid: new_id(),
            });
            let (ids, shards): (Vec<Uuid>, Vec<i16>) = streams
                .map(|stream| (stream.uuid, stream.shard().0))
                .unzip();
            sqlx::query(
                "insert into copied select n, id, shard, $3 \
                 from unnest($1::uuid[], $2::smallint[]) with ordinality as s(id, shard, n)",
            )
            .bind(ids)
            .bind(shards)
            .bind(stream_type.to_string())
            .execute(&mut *connection)
            .await?;
        }
        sqlx::raw_sql(include_str!("copy.sql"))
            .execute(&mut *connection)
            .await?;
        sqlx::raw_sql("analyze").execute(&self.owner).await?;
        Ok(self.events().await? - before)
    }

    /// The number of events in the log.
    ///
    /// # Errors
    /// When Postgres fails.
    pub(super) async fn events(&self) -> anyhow::Result<i64> {
        let head = sqlx::query_scalar("select position from es.log_head");
        Ok(head.fetch_one(&self.pool).await?)
    }

    /// Compares the rows of read models with the streams and events.
    ///
    /// # Errors
    /// When a row is missing, one is too many, or a stream is parked.
    pub(super) async fn check(&self) -> anyhow::Result<()> {
        let is_whole: bool = sqlx::query_scalar(
            "select (select count(*) from read_v1.activity) = (select position from es.log_head) \
                 and (select (count(*), sum(version)) from read_v1.droplets) \
                     = (select (count(*), sum(version)) from es.streams where stream_type = 'droplet') \
                 and (select (count(*), sum(version)) from read_v1.jobs) \
                     = (select (count(*), sum(version)) from es.streams where stream_type = 'job') \
                 and (select sum(count) from read_v1.counts where dimension in ('droplet_status', 'job_status')) \
                     = (select count(*) from es.streams) \
                 and not exists (select from es.parked)",
        )
        .fetch_one(&self.owner)
        .await?;
        ensure!(is_whole, "the read models do not show all events");
        Ok(())
    }
}
