//! The files of the private cluster: created once by `initdb`, used by one server at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

use super::binaries::{Binaries, major_version};
use super::child::Child;
use super::owner::Owner;
use super::server;
use crate::secret_file;

/// The superuser of the cluster, who owns the tables, and the name of its database.
pub(super) const USER: &str = "clustergenie";

/// Longest time to wait for the server of an earlier run, which writes a checkpoint as it stops.
const PREVIOUS_STOP: Duration = Duration::from_secs(60);
/// Poll interval of the wait for the server of an earlier run.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The file with the command line of the last server.
const OPTIONS_FILE: &str = "postmaster.opts";

/// A cluster whose server can be started.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) path: PathBuf,
    pub(super) log: PathBuf,
    pub(super) owner: Owner,
    pub(super) binaries: Binaries,
    pub(super) password: String,
}

impl Cluster {
    /// Opens the cluster in a locked data directory; creates the cluster if there is none.
    ///
    /// # Errors
    /// When no suitable server programs are found, the owner cannot enter the directory, or the password is
    /// lost. Also when an earlier server does not stop, or `initdb` fails.
    pub(super) async fn prepare(data: &Path, bin: Option<&Path>) -> anyhow::Result<Self> {
        let path = data.join("postgres");
        let version = version_of(&path)?;
        let binaries = Binaries::find(bin, version)?;
        let owner = Owner::of(&path)?;
        owner.can_enter(data)?;
        let password = password(&data.join("postgres-password"), version.is_some())?;
        let cluster = Self {
            path,
            log: data.join("postgres.log"),
            owner,
            binaries,
            password,
        };
        if version.is_none() {
            cluster.create(&data.join("postgres.unfinished")).await?;
        }
        cluster.wait_for_previous().await?;
        server::remove_pid_file(&cluster.path)?;
        Ok(cluster)
    }

    /// Runs `initdb` in a temporary directory and renames the result, so that a cluster is complete or absent.
    async fn create(&self, unfinished: &Path) -> anyhow::Result<()> {
        tracing::info!(cluster = %self.path.display(), "creating the private Postgres cluster");
        remove(unfinished)?;
        let password = unfinished.join("password");
        fs::create_dir(unfinished)
            .and_then(|()| self.owner.takes(unfinished))
            .with_context(|| format!("{} cannot be created", unfinished.display()))?;
        secret_file::write(&password, self.password.as_bytes())?;
        self.owner
            .takes(&password)
            .context("the password cannot be given to Postgres's user")?;

        let output = fs::File::create(data_log(unfinished))?;
        let mut command = Command::new(self.binaries.program("initdb"));
        command
            .arg("--pgdata=cluster")
            .arg("--pwfile=password")
            .arg(format!("--username={USER}"))
            .args([
                "--encoding=UTF8",
                "--locale=C",
                "--auth=scram-sha-256",
                "--data-checksums",
            ])
            .current_dir(unfinished)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        self.runs(&mut command);
        let status = Child::start(command).await?.ended().await?;
        if !status.success() {
            let said = fs::read_to_string(data_log(unfinished)).unwrap_or_default();
            bail!("the Postgres cluster could not be created: initdb ended with {status}\n{said}");
        }
        fs::rename(unfinished.join("cluster"), &self.path).with_context(|| {
            format!("the new cluster cannot be moved to {}", self.path.display())
        })?;
        remove(unfinished)
    }

    /// Waits for the server of a killed `up`, which stops by itself.
    async fn wait_for_previous(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut logged = false;
        while let Some(pid) = server::running_on(&self.path) {
            if !logged {
                tracing::info!(
                    pid,
                    "waiting for the Postgres server of an earlier run to stop"
                );
                logged = true;
            }
            if started.elapsed() > PREVIOUS_STOP {
                bail!(
                    "the Postgres server with process id {pid} still uses {}: stop it (kill -INT \
                     {pid}) and start again",
                    self.path.display()
                );
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// The port of the last server that was started, if any.
    pub(super) fn last_port(&self) -> Option<u16> {
        let options = fs::read_to_string(self.path.join(OPTIONS_FILE)).ok()?;
        let (_, port) = options.split_once("\"port=")?;
        let digits = port
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(port.len());
        port[..digits].parse().ok()
    }

    /// Configures a command to run as the cluster's owner, in English, and without the environment of this
    /// process. Postgres would read some of those variables as its own settings.
    pub(super) fn runs(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        self.owner.runs(command);
    }
}

/// The major version of the cluster; `None` if there is no cluster.
pub(super) fn version_of(cluster: &Path) -> anyhow::Result<Option<u32>> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(major_version(&text).with_context(|| {
            format!("{} does not contain a version of Postgres", path.display())
        })?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && cluster.exists() => bail!(
            "{} exists but is not a Postgres cluster: move it away, or choose another directory \
             with --data",
            cluster.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn password(path: &Path, cluster_exists: bool) -> anyhow::Result<String> {
    let make = || {
        if cluster_exists {
            bail!(
                "{} is missing, and the cluster beside it cannot be used without it: restore it",
                path.display()
            );
        }
        let random: [u8; 24] = secret_file::random()?;
        Ok(random
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            .into_bytes())
    };
    let password = secret_file::read_or_write(path, make)?;
    String::from_utf8(password).with_context(|| format!("{} is not text", path.display()))
}

fn data_log(unfinished: &Path) -> PathBuf {
    unfinished.join("initdb.log")
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
