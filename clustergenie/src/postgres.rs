//! The private Postgres of `up`: found, made, started, stopped.
//!
//! It promises that what was committed is on disk (fsync and full page writes are on), that the server
//! listens on the loopback interface only and asks for a password, that it runs as an ordinary user
//! even when we are root, and that it stops when we do, also when we are killed. It never touches a
//! Postgres that it did not make.

mod binaries;
mod child;
mod cluster;
mod owner;
mod running;

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::Instant;

use self::child::Child;
use self::cluster::{Cluster, USER};

pub(crate) use self::running::url_of_running;

/// What the server is told beyond its defaults. Given on its command line, so that it does not matter
/// what the files of the cluster say.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("cluster_name", "clustergenie"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("max_connections", "100"),
    ("shared_buffers", "128MB"),
    ("max_wal_size", "2GB"),
    ("wal_compression", "on"),
    ("jit", "off"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
];

/// How often starting is tried when what stood in the way goes away by itself.
const ATTEMPTS: u32 = 20;
const ATTEMPT_EVERY: Duration = Duration::from_millis(500);
/// How often we look whether the server takes connections.
const POLL_INTERVAL: Duration = Duration::from_millis(25);
/// How often a start that takes long is spoken of: recovery after a crash may take minutes.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// How long an orderly stop may take; then sessions are cut off, and the next start recovers.
const ORDERLY_STOP: Duration = Duration::from_secs(30);
const IMMEDIATE_STOP: Duration = Duration::from_secs(15);

/// A running server of the private cluster, with its database.
#[derive(Clone, Debug)]
pub(crate) struct PrivatePostgres {
    server: Child,
    url: String,
}

impl PrivatePostgres {
    /// Starts the server of the cluster in a data directory that we have taken, on a free port. Makes
    /// the cluster when there is none.
    ///
    /// # Errors
    /// Says what to install, to correct or to read when that cannot be done.
    pub(crate) async fn start(data: &Path, bin: Option<&Path>) -> anyhow::Result<Self> {
        let cluster = Cluster::prepare(data, bin).await?;
        for _ in 1..ATTEMPTS {
            match try_start(&cluster).await? {
                Attempt::Serves(postgres) => return Ok(postgres),
                Attempt::Hindered(why) => {
                    tracing::info!(why, "Postgres did not start and is started again");
                    tokio::time::sleep(ATTEMPT_EVERY).await;
                }
            }
        }
        match try_start(&cluster).await? {
            Attempt::Serves(postgres) => Ok(postgres),
            Attempt::Hindered(why) => bail!("Postgres did not start: {why}"),
        }
    }

    /// How to connect to the database, as its owner. Holds the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns when the server has ended without being told to.
    pub(crate) async fn ended(&self) -> anyhow::Error {
        match self.server.ended().await {
            Ok(status) => anyhow::anyhow!("Postgres ended with {status}; see postgres.log"),
            Err(error) => error,
        }
    }

    /// Stops the server and waits until it has ended: in an orderly way, until that takes too long or
    /// `hurry` returns.
    ///
    /// # Errors
    /// When it does not end; the next start waits for it and recovers.
    pub(crate) async fn stop(self, hurry: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.server.signal(Signal::INT);
        let why = tokio::select! {
            _ = self.server.ended() => return Ok(()),
            () = tokio::time::sleep(ORDERLY_STOP) => "it took too long",
            () = hurry => "another signal",
        };
        tracing::warn!(why, "Postgres had not stopped and is made to stop at once");
        self.server.signal(Signal::QUIT);
        tokio::time::timeout(IMMEDIATE_STOP, self.server.ended())
            .await
            .context("Postgres did not stop")??;
        Ok(())
    }
}

enum Attempt {
    Serves(PrivatePostgres),
    /// It ended at once, for a reason that goes away: trying again is worth it.
    Hindered(String),
}

async fn try_start(cluster: &Cluster) -> anyhow::Result<Attempt> {
    let port = free_port()?;
    let log_before = fs::metadata(&cluster.log).map_or(0, |metadata| metadata.len());
    let server = Child::start(server_command(cluster, port)?).await?;
    tokio::select! {
        ended = server.ended() => {
            let status = ended?;
            let said = read_from(&cluster.log, log_before);
            // Somebody took the port since we looked, or the last processes of a killed server are
            // still ending.
            if ["could not bind", "still in use"].iter().any(|passing| said.contains(passing)) {
                return Ok(Attempt::Hindered(last_lines(&said)));
            }
            bail!(
                "Postgres did not start, it ended with {status}. The end of {}:\n{}",
                cluster.log.display(),
                last_lines(&said)
            )
        }
        made = make_database(cluster, port) => made?,
    }
    let url = running::url(&cluster.password, port);
    Ok(Attempt::Serves(PrivatePostgres { server, url }))
}

fn server_command(cluster: &Cluster, port: u16) -> anyhow::Result<Command> {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&cluster.log)
        .with_context(|| format!("{} cannot be written", cluster.log.display()))?;
    let mut command = Command::new(cluster.binaries.program("postgres"));
    command
        .arg("-D")
        .arg(&cluster.path)
        .arg("-c")
        .arg(format!("port={port}"));
    for (name, value) in SETTINGS {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command
        .current_dir(&cluster.path)
        .stdin(Stdio::null())
        .stdout(
            log.try_clone()
                .context("the log of Postgres cannot be shared")?,
        )
        .stderr(log);
    cluster.runs(&mut command);
    Ok(command)
}

/// Waits until the server takes connections and makes the database when it is not there. Ends only
/// then, or when the server refuses for good; that the server ends is for the caller to notice.
async fn make_database(cluster: &Cluster, port: u16) -> anyhow::Result<()> {
    let maintenance = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(USER)
        .password(&cluster.password)
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
        .disable_statement_logging();
    let mut connection = connect(&maintenance).await?;
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(USER)
            .fetch_one(&mut connection)
            .await?;
    if !exists {
        sqlx::query("create database clustergenie")
            .execute(&mut connection)
            .await
            .context("the database cannot be made")?;
    }
    connection.close().await?;
    Ok(())
}

async fn connect(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let mut said = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return Ok(connection),
            // Not listening yet, or (57P03) not ready for connections yet.
            Err(sqlx::Error::Io(_)) => {}
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57P03") => {}
            Err(error) => return Err(error).context("the private Postgres refuses us"),
        }
        if said.elapsed() > SAY_EVERY {
            tracing::info!("waiting for Postgres to start; after a crash it recovers first");
            said = Instant::now();
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// What a log holds from a place on.
fn read_from(log: &Path, start: u64) -> String {
    let mut bytes = Vec::new();
    let read = fs::File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut bytes)
    });
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("(cannot be read: {error})"),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().rev().take(8).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
