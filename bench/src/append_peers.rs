//! Commands a second of 64 callers, compared with event stores for Node.js on the same Postgres.
//!
//! Each caller writes a stream of its own, of one of two categories; or all write one stream, and try again after a
//! conflict. Only ours has quotas over many streams, so that work has no other side.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use event_store::incarnation;
use event_store::pool::{self, Purpose};
use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::append::callers::{Callers, Work};
use crate::report::{Bound, Report};
use crate::settings::Settings;

const CALLERS: u16 = 64;
const RATE: &str = "events/s";
const CONFLICTS: &str = "conflicts/s";
const OWN: &str = "streams of their own";
const HOT: &str = "one hot stream";

/// The droplets that a cluster has room for: fewer than the callers send while they learn that it is full.
const ROOM: u32 = 1_000;

/// An event store for Node.js, in a database of its own.
struct Peer {
    name: &'static str,
    /// Counts the events that are stored.
    count: &'static str,
}

const PEERS: [Peer; 2] = [
    Peer {
        name: "emmett",
        count: "select count(*) from emt_messages",
    },
    Peer {
        name: "message-db",
        count: "select count(*) from message_store.messages",
    },
];

/// The report of a peer on a run.
#[derive(Deserialize)]
struct Run {
    accepted: u32,
    conflicts: u32,
    seconds: f64,
}

/// Measures all sides, and writes the report.
///
/// # Errors
/// When a side fails, loses an event, or accepts one too many.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    settings.create_dir()?;
    let owner = pool::connect(&settings.database_url, Purpose::Maintenance, 1).await?;
    schema::migrate::migrate(&owner).await?;
    let pool = pool::connect(&settings.database_url, Purpose::Commands, 8).await?;
    incarnation::ensure(&pool).await?;
    let callers = Callers::prepare(pool, CALLERS).await?;
    let mut stored = [0; PEERS.len()];
    if let Some(peers) = &settings.peers {
        for peer in &PEERS {
            peer.install(&settings, peers).await?;
        }
    }
    let mut report = Report::new("append-peers");
    for _ in 0..settings.rounds {
        for (work, name, of_peer) in [(Work::Existing, OWN, "own"), (Work::Hot, HOT, "hot")] {
            let measured = callers.measure(work, CALLERS, settings.length()).await?;
            report.add(name, "ours", RATE, measured.per_second);
            let Some(peers) = &settings.peers else {
                continue;
            };
            for (peer, stored) in PEERS.iter().zip(&mut stored) {
                let run = peer.measure(&settings, peers, of_peer).await?;
                let second = |count: u32| f64::from(count) / run.seconds;
                report.add(name, peer.name, RATE, second(run.accepted));
                report.add(name, peer.name, CONFLICTS, second(run.conflicts));
                *stored += i64::from(run.accepted);
                let found = peer.stored(&settings).await?;
                ensure!(
                    found == *stored,
                    "{} acknowledged {stored} events, and stored {found}",
                    peer.name
                );
            }
        }
    }
    callers.check(&owner).await?;
    for _ in 0..settings.rounds {
        let rate = callers.fill_cluster(ROOM).await?;
        report.add("one quota, until it is used up", "ours", "droplets/s", rate);
    }
    for work in [OWN, HOT] {
        for peer in &PEERS {
            report.goal(
                &format!("{work}: ours, compared with {}", peer.name),
                report.median(work, "ours", RATE),
                report.median(work, peer.name, RATE),
                Bound::AtLeast(5.0),
            );
        }
    }
    report.finish(&settings)
}

impl Peer {
    /// Creates the database of the peer, with what its package installs.
    async fn install(&self, settings: &Settings, peers: &Path) -> anyhow::Result<()> {
        let options: PgConnectOptions = settings.database_url.parse()?;
        if self.name == "message-db" {
            let dir = peers.join("node_modules/@eventide/message-db/database");
            let output = Command::new("bash")
                .arg(dir.join("install.sh"))
                .env("DATABASE_NAME", self.name)
                .env("PGHOST", options.get_host())
                .env("PGPORT", options.get_port().to_string())
                .env("PGUSER", options.get_username())
                .env("PGPASSWORD", password(&settings.database_url)?)
                .output()
                .await?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(
                output.status.success(),
                "Message DB is not installed: {said}"
            );
            return Ok(());
        }
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::query("create database emmett")
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    /// Lets its callers append for the duration of a run.
    async fn measure(&self, settings: &Settings, peers: &Path, work: &str) -> anyhow::Result<Run> {
        let output = Command::new(&settings.node)
            .arg("event-stores.mjs")
            .args([self.name, &self.url(settings)?, work])
            .args([CALLERS.to_string(), settings.seconds.to_string()])
            .current_dir(peers)
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("Node.js cannot be started")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {said}", self.name);
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Returns the number of events that are stored.
    async fn stored(&self, settings: &Settings) -> anyhow::Result<i64> {
        let mut connection = PgConnection::connect(&self.url(settings)?).await?;
        Ok(sqlx::query_scalar(self.count)
            .fetch_one(&mut connection)
            .await?)
    }

    /// Returns the URL of its database.
    fn url(&self, settings: &Settings) -> anyhow::Result<String> {
        let mut url: reqwest::Url = settings.database_url.parse()?;
        url.set_path(self.name);
        Ok(url.into())
    }
}

fn password(url: &str) -> anyhow::Result<String> {
    let url: reqwest::Url = url.parse()?;
    Ok(url.password().unwrap_or_default().to_owned())
}
