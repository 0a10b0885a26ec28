//! The rig's Postgres, as durable as in production, and the address of the platform's database.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::timeout;

use super::disk::Disk;
use crate::exits::AllowedExit;
use crate::not_possible::NotPossible;
use crate::process::{Process, Spec};

/// Users that may own the cluster when the rig runs as root.
const OWNERS: [&str; 2] = ["postgres", "nobody"];
/// Timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of the server. Every durability setting keeps its default, which is on.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "300"),
    ("shared_buffers", "128MB"),
    ("min_wal_size", "32MB"),
    ("max_wal_size", "128MB"),
    ("checkpoint_timeout", "30s"),
    ("wal_recycle", "off"),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
];

/// The address of the platform's database.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// A fixed URL.
    Url(String),
    /// The URL in the ready file of `up`, which changes at each start.
    ReadyFile(PathBuf),
}

impl Address {
    /// Returns the current URL.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        match self {
            Self::Url(url) => Ok(url.clone()),
            Self::ReadyFile(file) => {
                let ready =
                    fs::read(file).map_err(|_| NotPossible::new("the platform does not serve"))?;
                let ready: Value = serde_json::from_slice(&ready)?;
                let url = ready["databaseUrl"].as_str();
                Ok(url.context("the ready file names no database")?.to_owned())
            }
        }
    }

    /// Opens a connection as the owner of everything.
    pub(crate) async fn connect(&self) -> anyhow::Result<PgConnection> {
        let options = PgConnectOptions::from_str(&self.url()?)?
            .application_name("clustergenie fault")
            .disable_statement_logging();
        Ok(timeout(CONNECT_TIMEOUT, options.connect()).await??)
    }
}

/// The user and group that run Postgres; `None` for the current user.
pub(crate) fn owner() -> anyhow::Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &&str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == *name).then_some(())?;
            let (uid, gid) = (fields.nth(1)?, fields.next()?);
            Some((uid.parse().ok()?, gid.parse().ok()?))
        })
    };
    let owner = OWNERS.iter().find_map(find);
    Ok(Some(
        owner.context("there is no user `postgres` to run it as")?,
    ))
}

/// Creates a cluster on the disk. Returns its server and its address.
///
/// # Errors
/// When `initdb` fails.
pub(crate) async fn make(
    folder: &Path,
    disk: &Disk,
    bin: &Path,
) -> anyhow::Result<(Process, Address)> {
    let owner = owner()?;
    let port = super::free_port()?;
    let data = disk.folder("postgres", owner)?;
    let mut spec = Spec {
        name: "initdb".to_owned(),
        program: bin.join("initdb"),
        // Only this machine can connect, and the data is worthless.
        arguments: [
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]
        .map(str::to_owned)
        .to_vec(),
        folder: data.clone(),
        log: folder.join("initdb.log"),
        owner,
        allowed_exit: AllowedExit::Any,
        stop: Signal::INT,
        parent_death_signal: "QUIT",
    };
    let pgdata = ["-D".to_owned(), data.display().to_string()];
    spec.arguments.extend(pgdata.clone());
    spec.run().await?;
    let mut arguments = pgdata.to_vec();
    arguments.extend(["-c".to_owned(), format!("port={port}")]);
    for (name, value) in SETTINGS {
        arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    let server = Process::new(Spec {
        name: "postgres".to_owned(),
        program: bin.join("postgres"),
        arguments,
        log: folder.join("postgres.log"),
        ..spec
    });
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable");
    Ok((server, Address::Url(url)))
}

/// The first process of the server on a data directory, by its pid file.
pub(crate) fn first_process(data: &Path) -> Option<Pid> {
    let pid_file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: i32 = pid_file.lines().next()?.trim().parse().ok()?;
    // A killed server leaves its pid file, and its process id may belong to another process by now.
    let works_in = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    let same = fs::metadata(works_in).ok()?.ino() == fs::metadata(data).ok()?.ino();
    same.then(|| Pid::from_raw(pid)).flatten()
}

/// A server whose processes are all stopped by SIGSTOP, until this value is dropped.
#[derive(Debug)]
pub(crate) struct Suspended(Vec<Pid>);

impl Suspended {
    /// Stops the first process, which then cannot start children, and its children.
    pub(crate) fn new(first: Pid) -> Self {
        let _ = kill_process(first, Signal::STOP);
        let mut all = vec![first];
        all.extend(children(first));
        for pid in &all[1..] {
            let _ = kill_process(*pid, Signal::STOP);
        }
        Self(all)
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        for pid in self.0.iter().rev() {
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}

fn children(of: Pid) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pid = |name: std::ffi::OsString| Pid::from_raw(name.to_str()?.parse().ok()?);
    processes
        .flatten()
        .filter_map(|process| pid(process.file_name()))
        .filter(|pid| parent(*pid) == Some(of.as_raw_nonzero().get()))
        .collect()
}

fn parent(pid: Pid) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name, in brackets, may contain anything; the fields after it are numbers.
    let (_, rest) = status.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
