//! The measured servers as processes of their own, on one Postgres.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::data::ORG;
use super::settings::Settings;
use super::side::Side;
use crate::platform::without_settings;

/// Timeout of the start of a server.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The name of the file with the key of tokens, in the directory of the run.
const KEY: &str = "jwt.key";

/// Running servers, which end with this value.
#[derive(Default)]
pub(super) struct Servers(Vec<Child>);

/// Migrates the database as users do.
///
/// # Errors
/// When the program fails.
pub(super) async fn migrate(settings: &Settings) -> anyhow::Result<()> {
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
    /// Starts `clustergenie api` with its defaults, but without a limit of requests a second.
    ///
    /// # Errors
    /// When the program does not serve.
    pub(super) async fn ours(&mut self, settings: &Settings) -> anyhow::Result<Side> {
        let key = settings.dir.join(KEY);
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
        let process = self.start(command, "ours", port, &settings.dir).await?;
        let token = without_settings(&settings.program)
            .arg("token")
            .arg("--key-file")
            .arg(&key)
            .args(["--org", ORG, "--role", "viewer", "--expires", "1d"])
            .output()
            .await?;
        ensure!(token.status.success(), "no token is given");
        let token = String::from_utf8(token.stdout)?.trim().to_owned();
        Side::ours(port, process, token).await
    }

    /// Starts PostGraphile on the views of a schema. With `org`, it sets role and organization for each request,
    /// as row-level security needs.
    ///
    /// # Errors
    /// When PostGraphile does not serve.
    pub(super) async fn postgraphile(
        &mut self,
        settings: &Settings,
        peers: &Path,
        name: &'static str,
        schema: &str,
        org: &str,
    ) -> anyhow::Result<Side> {
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
        let process = self.start(command, name, port, &settings.dir).await?;
        Ok(Side::postgraphile(name, port, process))
    }

    /// Starts a server, waits until it accepts connections, and returns the id of its process.
    async fn start(
        &mut self,
        mut command: Command,
        name: &str,
        port: u16,
        dir: &Path,
    ) -> anyhow::Result<u32> {
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
        Ok(process)
    }
}

/// Returns a port that nobody uses.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Writes a key for tokens.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write_key(dir: &Path) -> anyhow::Result<()> {
    // Nobody but this run uses the key, and the server ends with it.
    Ok(std::fs::write(
        dir.join(KEY),
        "the key of a benchmark, which protects nothing at all",
    )?)
}
