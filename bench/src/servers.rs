//! The measured servers as processes of their own, on one Postgres.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::platform::{free_port, without_settings};
use crate::settings::Settings;

/// Timeout of the start of a server.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The name of the file with the key of tokens, in the directory of the run.
const KEY: &str = "jwt.key";

/// A server that accepts connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The id of its process.
    pub(crate) process: u32,
}

/// Running servers, which end with this value.
#[derive(Default)]
pub(crate) struct Servers(Vec<Child>);

/// Migrates the database as users do.
///
/// # Errors
/// When the program fails.
pub(crate) async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let log = File::create(settings.dir.join("migrate.log"))?;
    let status = without_settings(&settings.program)
        .args(["migrate", "--database-url", &settings.database_url])
        .stderr(log)
        .status()
        .await?;
    ensure!(status.success(), "the database could not be migrated");
    Ok(())
}

impl Servers {
    /// Starts `clustergenie api` with its defaults, but without a limit of requests a second. Returns it with the
    /// token of a viewer of an organization.
    ///
    /// # Errors
    /// When the program does not serve.
    pub(crate) async fn ours(
        &mut self,
        settings: &Settings,
        org: &str,
    ) -> anyhow::Result<(Server, String)> {
        let key = key_file(&settings.dir);
        let plenty = u32::MAX.to_string();
        let port = free_port()?;
        let mut command = without_settings(&settings.program);
        command
            .args(["api", "--database-url", &settings.database_url])
            .arg("--jwt-key-file")
            .arg(&key)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--metrics-listen", "127.0.0.1:0"])
            .args(["--points", &plenty, "--points-per-second", &plenty]);
        let server = self.start(command, "ours", port, &settings.dir).await?;
        let token = token(settings, org, "viewer").await?;
        Ok((server, token))
    }

    /// Starts PostGraphile on the views of a schema. With `org`, it sets role and organization for each request,
    /// as row-level security needs.
    ///
    /// # Errors
    /// When PostGraphile does not serve.
    pub(crate) async fn postgraphile(
        &mut self,
        settings: &Settings,
        peers: &Path,
        name: &str,
        schema: &str,
        org: &str,
    ) -> anyhow::Result<Server> {
        let port = free_port()?;
        let mut command = Command::new(&settings.node);
        command
            .arg("postgraphile.mjs")
            .current_dir(peers)
            .env("NODE_ENV", "production")
            .env("GRAPHILE_ENV", "production")
            .env("BENCH_DATABASE_URL", &settings.database_url)
            .env("BENCH_PORT", port.to_string())
            .env("BENCH_SCHEMA", schema)
            .env("BENCH_ORG", org);
        self.start(command, name, port, &settings.dir).await
    }

    /// Starts a server and waits until it accepts connections. Its output is in `NAME.log` in the directory.
    ///
    /// # Errors
    /// When the server ends, or does not serve in time.
    pub(crate) async fn start(
        &mut self,
        mut command: Command,
        name: &str,
        port: u16,
        dir: &Path,
    ) -> anyhow::Result<Server> {
        let log = dir.join(format!("{}.log", name.replace(", ", "-")));
        let file = File::create(&log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            let ended = child.try_wait()?;
            ensure!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "{name} does not serve: see {}",
                log.display()
            );
            sleep(POLL_INTERVAL).await;
        }
        let process = child.id().context("a running process has an id")?;
        self.0.push(child);
        Ok(Server { port, process })
    }
}

/// Returns a token of an organization with a role.
///
/// # Errors
/// When the program fails.
pub(crate) async fn token(settings: &Settings, org: &str, role: &str) -> anyhow::Result<String> {
    let token = without_settings(&settings.program)
        .arg("token")
        .arg("--key-file")
        .arg(settings.dir.join(KEY))
        .args(["--org", org, "--role", role, "--expires", "1d"])
        .output()
        .await?;
    ensure!(token.status.success(), "no token is given");
    Ok(String::from_utf8(token.stdout)?.trim().to_owned())
}

/// Writes a key for tokens.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_key(dir: &Path) -> anyhow::Result<()> {
    // Nobody but this run uses the key, and the server ends with it.
    Ok(std::fs::write(
        key_file(dir),
        "the key of a benchmark, which protects nothing at all",
    )?)
}

/// Returns the file with the key for tokens.
pub(crate) fn key_file(dir: &Path) -> PathBuf {
    dir.join(KEY)
}
