//! The private Postgres of `up`: creates, starts and stops it.
//!
//! Committed data is on disk (fsync and full page writes are on). The server listens on the loopback
//! interface only and requires a password. The server runs as an ordinary user even when this process runs as
//! root. The server stops with this process, even when this process is killed. A Postgres that `up` did not
//! create is never touched.

mod archive;
pub(crate) mod backup;
mod binaries;
mod child;
mod cluster;
pub(crate) mod login;
mod owner;
mod running;
pub(crate) mod series;
mod server;

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
use tokio::time::{Instant, timeout};

use self::archive::WalArchive;
use self::child::Child;
use self::cluster::{Cluster, USER};
use self::owner::Owner;
use self::series::Series;

pub(crate) use self::running::url_of_running;

/// Settings of the server beyond its defaults. On its command line they override the cluster's files.
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

/// Attempts to start after a transient failure.
const ATTEMPTS: u32 = 20;
/// Delay between two attempts to start.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// Poll interval of the wait until the server accepts connections.
const POLL_INTERVAL: Duration = Duration::from_millis(25);
/// Timeout of a server that breaks its connections because it ends.
const ENDING: Duration = Duration::from_secs(5);
/// Log interval of a long start: recovery after a crash may take minutes.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Timeout of a fast shutdown. An immediate shutdown follows, and the next start recovers.
const FAST_SHUTDOWN: Duration = Duration::from_secs(30);
/// Timeout of an immediate shutdown.
const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(15);

/// A running server of the private cluster, with its database.
#[derive(Clone, Debug)]
pub(crate) struct PrivatePostgres {
    server: Child,
    url: String,
}

impl PrivatePostgres {
    /// Starts the server of the cluster in a locked data directory, without archiving; creates the cluster if there
    /// is none. The port is that of the last start, or a free one if that port is in use. `settings` are those of
    /// this start.
    ///
    /// # Errors
    /// When the cluster cannot be prepared, or the server does not start. The error says what to install, to
    /// correct or to read.
    pub(crate) async fn start(
        data: &Path,
        bin: Option<&Path>,
        settings: &[(&'static str, String)],
    ) -> anyhow::Result<Self> {
        series::end(data)?;
        Self::start_with(data, bin, settings).await
    }

    async fn start_with(
        data: &Path,
        bin: Option<&Path>,
        settings: &[(&'static str, String)],
    ) -> anyhow::Result<Self> {
        let cluster = Cluster::prepare(data, bin).await?;
        for _ in 1..ATTEMPTS {
            match try_start(&cluster, settings).await? {
                Attempt::Started(postgres) => return Ok(postgres),
                Attempt::Transient(why) => {
                    tracing::info!(why, "Postgres did not start; retrying");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
        match try_start(&cluster, settings).await? {
            Attempt::Started(postgres) => Ok(postgres),
            Attempt::Transient(why) => bail!("Postgres did not start: {why}"),
        }
    }

    /// Starts the server of a platform: one that archives its write-ahead log, if there is a series of backups.
    ///
    /// # Errors
    /// The errors of [`PrivatePostgres::start`], and when nothing can be archived to the series.
    pub(crate) async fn start_archiving(
        data: &Path,
        bin: Option<&Path>,
        series: Option<&Series>,
    ) -> anyhow::Result<Self> {
        let Some(series) = series else {
            return Self::start(data, bin, &[]).await;
        };
        let archive = WalArchive::of(series.folder())?;
        archive.create(Owner::of(&data.join("postgres"))?)?;
        Self::start_with(data, bin, &archive.archiving()).await
    }

    /// The URL of the database, with its owner and the password. Only migrations and operators use it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the server ends by itself, and returns the reason.
    pub(crate) async fn ended(&self) -> anyhow::Error {
        match self.server.ended().await {
            Ok(status) => anyhow::anyhow!("Postgres ended with {status}; see postgres.log"),
            Err(error) => error,
        }
    }

    /// Stops the server by a fast shutdown. Switches to an immediate shutdown after a timeout, or when
    /// `hurry` returns.
    ///
    /// # Errors
    /// When the server does not end. The next start waits for that server and recovers.
    pub(crate) async fn stop(self, hurry: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.server.signal(Signal::INT);
        let why = tokio::select! {
            _ = self.server.ended() => return Ok(()),
            () = tokio::time::sleep(FAST_SHUTDOWN) => "the fast shutdown took too long",
            () = hurry => "another signal",
        };
        tracing::warn!(why, "stopping Postgres by an immediate shutdown");
        self.server.signal(Signal::QUIT);
        timeout(IMMEDIATE_SHUTDOWN, self.server.ended())
            .await
            .context("Postgres did not stop")??;
        Ok(())
    }
}

enum Attempt {
    Started(PrivatePostgres),
    /// The server ended for a transient reason.
    Transient(String),
}

async fn try_start(
    cluster: &Cluster,
    settings: &[(&'static str, String)],
) -> anyhow::Result<Attempt> {
    let port = match cluster.last_port() {
        Some(port) if is_free(port) => port,
        Some(_) | None => free_port()?,
    };
    let log_before = fs::metadata(&cluster.log).map_or(0, |metadata| metadata.len());
    let server = Child::start(server_command(cluster, port, settings)?).await?;
    let ended = tokio::select! {
        ended = server.ended() => ended?,
        created = create_database(cluster, port) => match created {
            Ok(()) => {
                let url = running::url(&cluster.password, port);
                return Ok(Attempt::Started(PrivatePostgres { server, url }));
            }
            // The connection breaks before the server has ended, whose log has the reason.
            Err(error) => match timeout(ENDING, server.ended()).await {
                Ok(ended) => ended?,
                Err(_) => return Err(error),
            },
        },
    };
    let said = read_from(&cluster.log, log_before);
    // Another process took the port meanwhile, or a killed server is still ending.
    if ["could not bind", "still in use"]
        .iter()
        .any(|passing| said.contains(passing))
    {
        return Ok(Attempt::Transient(last_lines(&said)));
    }
    bail!(
        "Postgres did not start, it ended with {ended}. The end of {}:\n{}",
        cluster.log.display(),
        last_lines(&said)
    )
}

fn server_command(
    cluster: &Cluster,
    port: u16,
    settings: &[(&'static str, String)],
) -> anyhow::Result<Command> {
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
    for (name, value) in settings {
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

/// Waits until the server accepts connections, and creates the database if it is missing. The caller must
/// watch for the end of the server meanwhile.
async fn create_database(cluster: &Cluster, port: u16) -> anyhow::Result<()> {
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
            .context("the database cannot be created")?;
    }
    connection.close().await?;
    Ok(())
}

async fn connect(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let mut logged = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return Ok(connection),
            // Not listening yet, or (57P03) not ready for connections yet.
            Err(sqlx::Error::Io(_)) => {}
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57P03") => {}
            Err(error) => return Err(error).context("the private Postgres refuses the connection"),
        }
        if logged.elapsed() > LOG_INTERVAL {
            tracing::info!("waiting for Postgres to start; it recovers after a crash");
            logged = Instant::now();
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// The end of a log, from an offset.
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
