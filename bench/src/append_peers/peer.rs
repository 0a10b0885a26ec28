//! An event store that is compared: where it stores, and the program that calls it as its documentation shows.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::platform::free_port;
use crate::servers::Servers;
use crate::settings::Settings;

/// The event stores, in the order in which they are measured.
pub(crate) const KINDS: [Kind; 4] = [Kind::Emmett, Kind::MessageDb, Kind::PostgresEs, Kind::UmaDb];

/// An event store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Emmett, for Node.js on Postgres.
    Emmett,
    /// Message DB, functions in Postgres, called by Node.js.
    MessageDb,
    /// The crates `cqrs-es` and `postgres-es`, on Postgres.
    PostgresEs,
    /// UmaDB, a server with its own storage, called by its client for Rust.
    UmaDb,
}

/// An event store that is ready, with what its callers need.
pub(crate) struct Peer {
    kind: Kind,
    /// The Node.js of callers that need it.
    node: PathBuf,
    /// The directory where peers are installed.
    dir: PathBuf,
    /// The URL of its database or server.
    url: String,
    /// Events that it acknowledged.
    accepted: i64,
}

/// The report of a peer on a run.
#[derive(Deserialize)]
pub(crate) struct Run {
    pub(crate) accepted: u32,
    pub(crate) conflicts: u32,
    pub(crate) seconds: f64,
}

impl Kind {
    /// Returns its name, which is that of its database too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Emmett => "emmett",
            Kind::MessageDb => "message-db",
            Kind::PostgresEs => "postgres-es",
            Kind::UmaDb => "umadb",
        }
    }

    /// Returns how many times its rate ours is to be.
    pub(crate) fn goal(self) -> f64 {
        match self {
            Kind::Emmett | Kind::MessageDb | Kind::PostgresEs => 5.0,
            Kind::UmaDb => 2.0,
        }
    }
}

impl Peer {
    /// Creates its database, with what its package installs, or starts its server.
    ///
    /// # Errors
    /// A peer that is not installed, or does not start.
    pub(crate) async fn create(
        kind: Kind,
        settings: &Settings,
        dir: &Path,
        servers: &mut Servers,
    ) -> anyhow::Result<Self> {
        let url = match kind {
            Kind::Emmett | Kind::PostgresEs => {
                let mut connection = PgConnection::connect(&settings.database_url).await?;
                let create = format!("create database \"{}\"", kind.name());
                sqlx::raw_sql(sqlx::AssertSqlSafe(create))
                    .execute(&mut connection)
                    .await?;
                database(settings, kind)?
            }
            Kind::MessageDb => {
                install_message_db(settings, dir).await?;
                database(settings, kind)?
            }
            Kind::UmaDb => start_umadb(settings, dir, servers).await?,
        };
        Ok(Self {
            kind,
            node: settings.node.clone(),
            dir: dir.to_owned(),
            url,
            accepted: 0,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Lets its callers append for the duration of a run.
    ///
    /// # Errors
    /// A failed append that is no conflict.
    pub(crate) async fn measure(
        &mut self,
        work: &str,
        callers: u16,
        seconds: u16,
    ) -> anyhow::Result<Run> {
        let callers = callers.to_string();
        let run = self.call(&[work, &callers, &seconds.to_string()]).await?;
        let run: Run = serde_json::from_slice(&run)?;
        self.accepted += i64::from(run.accepted);
        Ok(run)
    }

    /// Compares the number of acknowledged events with that of stored ones.
    ///
    /// # Errors
    /// A missing event, or one too many.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        let stored = match self.kind {
            Kind::Emmett => self.count("select count(*) from emt_messages").await?,
            Kind::MessageDb => {
                self.count("select count(*) from message_store.messages")
                    .await?
            }
            Kind::PostgresEs => self.count("select count(*) from events").await?,
            Kind::UmaDb => serde_json::from_slice(&self.call(&["count"]).await?)?,
        };
        ensure!(
            stored == self.accepted,
            "{} acknowledged {} events, and stored {stored}",
            self.name(),
            self.accepted
        );
        Ok(())
    }

    async fn count(&self, sql: &'static str) -> anyhow::Result<i64> {
        let mut connection = PgConnection::connect(&self.url).await?;
        Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
    }

    /// Runs the program of its callers, and returns what it prints.
    async fn call(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let mut command = match self.kind {
            Kind::Emmett | Kind::MessageDb => {
                let mut command = Command::new(&self.node);
                command
                    .arg("event-stores.mjs")
                    .env("NODE_ENV", "production");
                command
            }
            Kind::PostgresEs | Kind::UmaDb => Command::new(rust_program(&self.dir, "event-stores")),
        };
        let output = command
            .args([self.name(), &self.url])
            .args(arguments)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("the callers of {} cannot be started", self.name()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {said}", self.name());
        Ok(output.stdout)
    }
}

/// Returns the URL of the database of a peer.
fn database(settings: &Settings, kind: Kind) -> anyhow::Result<String> {
    let mut url: reqwest::Url = settings.database_url.parse()?;
    url.set_path(kind.name());
    Ok(url.into())
}

/// Returns a program of the peers in Rust.
fn rust_program(dir: &Path, name: &str) -> PathBuf {
    dir.join("event-stores-rust/release").join(name)
}

async fn install_message_db(settings: &Settings, dir: &Path) -> anyhow::Result<()> {
    let options: PgConnectOptions = settings.database_url.parse()?;
    let url: reqwest::Url = settings.database_url.parse()?;
    let output = Command::new("bash")
        .arg(dir.join("node_modules/@eventide/message-db/database/install.sh"))
        .env("DATABASE_NAME", Kind::MessageDb.name())
        .env("PGHOST", options.get_host())
        .env("PGPORT", options.get_port().to_string())
        .env("PGUSER", options.get_username())
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "Message DB is not installed: {said}"
    );
    Ok(())
}

/// Starts the server with its defaults, and its data on the disk of Postgres. Returns its URL.
async fn start_umadb(
    settings: &Settings,
    dir: &Path,
    servers: &mut Servers,
) -> anyhow::Result<String> {
    let mut connection = PgConnection::connect(&settings.database_url).await?;
    let postgres: String = sqlx::query_scalar("show data_directory")
        .fetch_one(&mut connection)
        .await?;
    let name = Kind::UmaDb.name();
    let port = free_port()?;
    let mut command = Command::new(rust_program(dir, name));
    command
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .arg("--db-path")
        .arg(Path::new(&postgres).with_file_name("uma.db"));
    servers.start(command, name, port, &settings.dir).await?;
    Ok(format!("http://127.0.0.1:{port}"))
}
