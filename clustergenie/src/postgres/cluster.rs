//! The private cluster's files: made once by `initdb`, taken over from a server that is still
//! stopping, never shared by two.

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
use crate::secret_file;

/// The cluster's only user, a superuser, and the name of its database.
pub(super) const USER: &str = "clustergenie";

/// How long a server of an earlier run may take to stop: it writes a checkpoint.
const PREVIOUS: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What a running server notes about itself, in the folder of its cluster.
const NOTE: &str = "postmaster.pid";

/// A cluster that is ready to be served.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) path: PathBuf,
    pub(super) log: PathBuf,
    pub(super) owner: Owner,
    pub(super) binaries: Binaries,
    pub(super) password: String,
}

impl Cluster {
    /// The cluster in a data directory that we have taken; makes it when there is none.
    ///
    /// # Errors
    /// When no fitting server programs are found, the owner cannot come to the files, the password
    /// is lost, an earlier server does not stop, or `initdb` fails.
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
            cluster.make(&data.join("postgres.unfinished")).await?;
        }
        cluster.wait_for_previous().await?;
        Ok(cluster)
    }

    /// Runs `initdb` beside the final place and moves the result there, so that a cluster is either
    /// whole or not there.
    async fn make(&self, unfinished: &Path) -> anyhow::Result<()> {
        tracing::info!(cluster = %self.path.display(), "making the private Postgres cluster");
        remove(unfinished)?;
        let password = unfinished.join("password");
        fs::create_dir(unfinished)
            .and_then(|()| self.owner.takes(unfinished))
            .with_context(|| format!("{} cannot be made", unfinished.display()))?;
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
            bail!("the Postgres cluster could not be made: initdb ended with {status}\n{said}");
        }
        fs::rename(unfinished.join("cluster"), &self.path).with_context(|| {
            format!("the new cluster cannot be moved to {}", self.path.display())
        })?;
        remove(unfinished)
    }

    /// Waits for the server of an `up` that was killed: it stops by itself.
    async fn wait_for_previous(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut said = false;
        while let Some(pid) = self.running_server() {
            if !said {
                tracing::info!(
                    pid,
                    "waiting for the Postgres server of an earlier run to stop"
                );
                said = true;
            }
            if started.elapsed() > PREVIOUS {
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

    fn running_server(&self) -> Option<u32> {
        let note = fs::read_to_string(self.path.join(NOTE)).ok()?;
        server_of(&note, &self.path)
    }

    /// The port of a server that runs on the cluster at a path, whoever started it.
    ///
    /// # Errors
    /// When the cluster is there and its server's note cannot be read.
    pub(super) fn port_of_running(path: &Path) -> anyhow::Result<Option<u16>> {
        let file = path.join(NOTE);
        let note = match fs::read_to_string(&file) {
            Ok(note) => note,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "{} cannot be read: run as the user that runs the platform",
                        file.display()
                    )
                });
            }
        };
        // Process id, folder, start, port.
        let port = note
            .lines()
            .nth(3)
            .and_then(|port| port.trim().parse().ok());
        Ok(server_of(&note, path).and(port))
    }

    /// Makes a command run as the cluster's owner, in English, and without settings of ours that
    /// Postgres would take for its own.
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

/// The process id of a server that has a cluster, by its own note and by what it is: the note of a
/// server that was killed stays, and its number may belong to another process by now.
fn server_of(note: &str, cluster: &Path) -> Option<u32> {
    let pid: u32 = note.lines().next()?.trim().parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let works_in = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (name.starts_with("postgres") && works_in == cluster).then_some(pid)
}

/// The major version of the programs that made the cluster; `None` when there is no cluster.
fn version_of(cluster: &Path) -> anyhow::Result<Option<u32>> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(major_version(&text).with_context(|| {
            format!("{} does not hold a version of Postgres", path.display())
        })?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && cluster.exists() => bail!(
            "{} is there but is not a Postgres cluster: move it away, or choose another directory \
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
                "{} is missing, and without it the cluster beside it cannot be used: put it back",
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
