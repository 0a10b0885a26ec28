//! PostGraphile 5 with subscribers that follow `NOTIFY`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use event_store::pool::{self, Purpose};
use sqlx::PgPool;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::{sleep, sleep_until};

use super::crowd::{Crowd, Sent};
use super::{APART, Measured};
use crate::platform::free_port;
use crate::resident;
use crate::servers::Servers;
use crate::settings::Settings as Suite;
use crate::subscriber::{PEERS, Target};

/// The name of the side in reports.
pub(super) const NAME: &str = "postgraphile";

const CONNECTING: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);
const LISTEN_INTERVAL: Duration = Duration::from_secs(2);
const SETTLED: Duration = Duration::from_secs(2);

/// The tables of the peer, and the directory with its program.
pub(super) struct Peer {
    pool: PgPool,
    program: PathBuf,
}

impl Peer {
    /// Creates the table that the peer serves, with one droplet.
    ///
    /// # Errors
    /// When Postgres fails.
    pub(super) async fn prepare(suite: &Suite, program: &Path) -> anyhow::Result<Self> {
        let pool = pool::connect(&suite.database_url, Purpose::Maintenance, 2).await?;
        sqlx::raw_sql(include_str!("peer.sql"))
            .execute(&pool)
            .await?;
        Ok(Self {
            pool,
            program: program.to_owned(),
        })
    }

    /// Measures deliveries to a number of subscribers.
    ///
    /// # Errors
    /// When the server fails, or an event is lost or duplicated.
    pub(super) async fn deliver(
        &self,
        suite: &Suite,
        subscribers: usize,
    ) -> anyhow::Result<Measured> {
        let port = free_port()?;
        let mut command = Command::new(&suite.node);
        command
            .arg("postgraphile.mjs")
            .current_dir(&self.program)
            .env("NODE_ENV", "production")
            .env("GRAPHILE_ENV", "production")
            .env("BENCH_DATABASE_URL", &suite.database_url)
            .env("BENCH_PORT", port.to_string())
            .env("BENCH_SCHEMA", "peer_fan_out")
            .env("BENCH_TOPIC", "peer_fan_out");
        let mut servers = Servers::default();
        let process = servers
            .start(command, NAME, port, &suite.dir)
            .await?
            .process;
        let target = Arc::new(Target {
            url: format!("ws://127.0.0.1:{port}/graphql"),
            authorization: None,
            document: PEERS,
            connecting: Arc::new(Semaphore::new(CONNECTING)),
        });
        let mut crowd = Crowd::new();
        crowd.join(&target);
        self.listen(&mut crowd).await?;
        sleep(SETTLED).await;
        let before = resident::resident_kib(process)?;
        for _ in 1..subscribers {
            crowd.join(&target);
        }
        self.listen(&mut crowd).await?;
        let mut sent = HashMap::new();
        let begun = tokio::time::Instant::now();
        for number in 0..u32::from(suite.seconds) * 10 {
            sleep_until(begun + APART * number).await;
            let at = Instant::now();
            // The row is read after the event, and may be a later one.
            sent.insert(self.change().await?, Sent { at, tags: None });
        }
        let delivered = crowd.receive(&sent).await?;
        let peak = resident::peak_kib(process)?;
        Ok(Measured::of(&delivered, before, peak, subscribers))
    }

    async fn listen(&self, crowd: &mut Crowd) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            self.change().await?;
            if crowd.all_hear(LISTEN_INTERVAL).await {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "not all subscribers listen");
        }
    }

    /// Changes the droplet and notifies of it, in one commit. Returns the new version.
    async fn change(&self) -> anyhow::Result<u64> {
        let version: i64 = sqlx::query_scalar(include_str!("peer_change.sql"))
            .fetch_one(&self.pool)
            .await?;
        Ok(version.try_into()?)
    }
}
