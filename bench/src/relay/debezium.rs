//! The peer: Debezium's connector for Postgres with its event router, in Kafka Connect's standalone process.
//!
//! The outbox table has a row for each event of the log. What is a header in our messages is one in those of the peer.
//! The connector has its defaults, but polls every 5 ms, and compresses as ours does.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use domain::stream_type::StreamType;
use event_store::envelope::Shard;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use sqlx::PgPool;
use testkit::kafka::TestKafka;
use tokio::process::Command;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use url::Url;

use super::drain::now_millis;
use super::history::History;
use super::latency::{self, Latencies};
use super::reader::{self, PATIENCE};
use super::{Run, create_topics};
use crate::metadata::new_id;
use crate::platform::free_port;
use crate::servers::Servers;

/// Poll interval for the ends of the peer's topics.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Rows of a transaction of the backlog.
const ROWS: i64 = 500;

/// The outbox of the peer, and its topics.
pub(super) struct Debezium<'a> {
    run: &'a Run<'a>,
    jars: PathBuf,
    owner: &'a PgPool,
    kafka: TestKafka,
    servers: Servers,
}

impl<'a> Debezium<'a> {
    /// Creates an empty outbox, and the slot from which the connector reads it.
    ///
    /// # Errors
    /// When Postgres refuses.
    pub(super) async fn create(
        run: &'a Run<'a>,
        peers: &Path,
        owner: &'a PgPool,
    ) -> anyhow::Result<Self> {
        sqlx::raw_sql(
            "create schema outbox; \
             create table outbox.events (id uuid primary key, aggregatetype text not null, \
                 aggregateid text not null, type text not null, version bigint not null, \
                 position bigint not null, organization text not null, recordedat text not null, \
                 metadata text not null, payload text not null); \
             create publication bench_outbox for table outbox.events",
        )
        .execute(owner)
        .await?;
        sqlx::query("select pg_create_logical_replication_slot('bench_outbox', 'pgoutput')")
            .execute(owner)
            .await
            .context("Postgres needs wal_level = logical")?;
        Ok(Self {
            run,
            jars: peers.join("debezium"),
            owner,
            kafka: create_topics(run).await,
            servers: Servers::default(),
        })
    }

    /// Fills the outbox, and then starts the connector, until everything is published. Returns the events a second.
    ///
    /// # Errors
    /// When the peer fails, or an event is missing, doubled or out of order.
    pub(super) async fn drain(&mut self, history: &History) -> anyhow::Result<f64> {
        let count = i64::try_from(history.len())?;
        for first in (1..=count).step_by(usize::try_from(ROWS)?) {
            sqlx::query(
                "insert into outbox.events \
                 select e.event_id, split_part(e.event_type, '_', 1), e.stream_id, e.event_type, e.version, \
                     l.position, e.org_id, e.recorded_at, e.metadata, e.data \
                 from es.log l join es.events e on e.seq = l.seq \
                 where l.position between $1 and $1 + $2 - 1 order by l.position",
            )
            .bind(first)
            .bind(ROWS)
            .execute(self.owner)
            .await?;
        }
        self.start_connector().await?;
        self.published(count).await?;
        let ended = now_millis();
        let started = self.compare(count).await?;
        Ok(count as f64 * 1_000.0 / (ended - started) as f64)
    }

    /// Inserts rows one by one while the connector follows.
    ///
    /// # Errors
    /// When the peer fails, or a row is not published once.
    pub(super) async fn latency(&self) -> anyhow::Result<Latencies> {
        let insert = |number: u32| {
            let owner = self.owner.clone();
            async move {
                let id = new_id();
                sqlx::query(
                    "insert into outbox.events values ($1, 'job', $1::text, 'job_submitted', 1, $2, 'bench', \
                     clock_timestamp()::text, $3, $4)",
                )
                .bind(id)
                .bind(i64::from(number))
                .bind(latency::METADATA)
                .bind(latency::DATA)
                .execute(&owner)
                .await?;
                Ok((id, Instant::now()))
            }
        };
        latency::measure(self.run, self.kafka.topics(), "id", insert).await
    }

    /// Stops the connector, and removes the outbox.
    ///
    /// # Errors
    /// When Postgres refuses.
    pub(super) async fn remove(self) -> anyhow::Result<()> {
        drop(self.servers);
        let begun = Instant::now();
        // The connection of a process that was killed ends a little later.
        while let Err(error) = sqlx::query("select pg_drop_replication_slot('bench_outbox')")
            .execute(self.owner)
            .await
        {
            ensure!(begun.elapsed() < PATIENCE, error);
            sleep(POLL_INTERVAL).await;
        }
        sqlx::raw_sql("drop publication bench_outbox; drop schema outbox cascade")
            .execute(self.owner)
            .await?;
        Ok(())
    }

    async fn start_connector(&mut self) -> anyhow::Result<()> {
        let dir = self.run.suite.dir.join(self.kafka.topics().progress());
        fs::create_dir_all(&dir)?;
        let port = free_port()?;
        let (worker, connector) = (dir.join("worker.properties"), dir.join("outbox.properties"));
        fs::write(&worker, self.worker(port, &dir))?;
        fs::write(&connector, self.connector()?)?;
        let mut command = Command::new("java");
        command
            .args(["-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"])
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg("org.apache.kafka.connect.cli.ConnectStandalone")
            .args([worker, connector]);
        let started = self.servers.start(command, "debezium", port, &dir).await;
        started.map(drop)
    }

    fn worker(&self, port: u16, dir: &Path) -> String {
        let brokers = self.run.brokers;
        let offsets = dir.join("offsets");
        format!(
            "bootstrap.servers={brokers}\n\
             listeners=http://127.0.0.1:{port}\n\
             offset.storage.file.filename={}\n\
             plugin.discovery=only_scan\n\
             plugin.path={}\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.storage.StringConverter\n\
             producer.compression.type=zstd\n",
            offsets.display(),
            dir.display(),
        )
    }

    fn connector(&self) -> anyhow::Result<String> {
        let url = Url::parse(&self.run.suite.database_url)?;
        let events = self.kafka.topics().events(StreamType::JOB);
        let prefix = events.trim_end_matches(".job.v1");
        Ok(format!(
            "name=outbox\n\
             connector.class=io.debezium.connector.postgresql.PostgresConnector\n\
             database.hostname={}\n\
             database.port={}\n\
             database.user={}\n\
             database.password={}\n\
             database.dbname={}\n\
             topic.prefix={prefix}\n\
             plugin.name=pgoutput\n\
             slot.name=bench_outbox\n\
             publication.name=bench_outbox\n\
             publication.autocreate.mode=disabled\n\
             snapshot.mode=no_data\n\
             table.include.list=outbox.events\n\
             tombstones.on.delete=false\n\
             poll.interval.ms=5\n\
             transforms=outbox\n\
             transforms.outbox.type=io.debezium.transforms.outbox.EventRouter\n\
             transforms.outbox.route.topic.replacement={prefix}.${{routedByValue}}.v1\n\
             transforms.outbox.table.fields.additional.placement=type:header:ce_type,version:header:ce_streamversion,\
             position:header:ce_position,organization:header:ce_organization,recordedat:header:ce_recordedat,\
             metadata:header:ce_metadata\n",
            url.host_str().context("the database has a host")?,
            url.port().context("the database has a port")?,
            url.username(),
            url.password().unwrap_or_default(),
            url.path().trim_start_matches('/'),
        ))
    }

    /// Waits until the topics have so many messages.
    async fn published(&self, count: i64) -> anyhow::Result<()> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.run.brokers)
            .set("group.id", "bench");
        let topics = self.topics();
        spawn_blocking(move || {
            let client: BaseConsumer = config.create()?;
            let mut moved = (0, Instant::now());
            loop {
                let mut sum = 0;
                for topic in &topics {
                    for partition in 0..Shard::PARTITIONS.into() {
                        sum += client.fetch_watermarks(topic, partition, PATIENCE)?.1;
                    }
                }
                if sum >= count {
                    return Ok(());
                }
                if sum > moved.0 {
                    moved = (sum, Instant::now());
                }
                ensure!(moved.1.elapsed() < PATIENCE, "{sum} of {count} events came");
                #[expect(
                    clippy::disallowed_methods,
                    reason = "this thread is for calls that block"
                )]
                thread::sleep(POLL_INTERVAL);
            }
        })
        .await?
    }

    fn topics(&self) -> Vec<String> {
        let types = [StreamType::DROPLET, StreamType::JOB];
        types.map(|of| self.kafka.topics().events(of)).to_vec()
    }

    /// Reads all messages, and returns the time of the first one.
    async fn compare(&self, count: i64) -> anyhow::Result<i64> {
        let seen = Arc::new(Mutex::new((HashSet::new(), i64::MAX)));
        let found = Arc::clone(&seen);
        let mut versions: HashMap<Vec<u8>, i64> = HashMap::new();
        reader::read_all(self.run.brokers, self.topics(), move |message| {
            let position: i64 = reader::header(message, "ce_position")?.parse()?;
            let version: i64 = reader::header(message, "ce_streamversion")?.parse()?;
            let key = message.key().context("a message has a key")?.to_vec();
            let before = versions.insert(key, version).unwrap_or_default();
            ensure!(
                version == before + 1,
                "version {version} comes after {before}"
            );
            let sent = message.timestamp().to_millis();
            let mut found = found.lock().expect("no holder panics");
            ensure!(found.0.insert(position), "position {position} came twice");
            found.1 = found.1.min(sent.context("a message has a time")?);
            Ok(())
        })
        .await?;
        let (positions, first) = &*seen.lock().expect("no holder panics");
        ensure!(
            i64::try_from(positions.len())? == count,
            "the peer published {} of {count} events",
            positions.len()
        );
        Ok(*first)
    }
}
