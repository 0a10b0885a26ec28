//! Finds the server that runs on a cluster, and removes the pid file of one that does not.
//!
//! Postgres refuses to start while a process has the number in `postmaster.pid`, whatever that process is, and
//! while the file is empty. A number lives again soon in a container, where numbers are small, and while a
//! killed server has not been waited for. So the file proves nothing here: a server works in the directory of
//! its cluster, and so do its other processes.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

use crate::secret_file;

/// The file of a running server in its cluster: process id, directory, start time, port.
const PID_FILE: &str = "postmaster.pid";

/// The process id of a server, or of a process of a server, that runs on the cluster at a path.
pub(super) fn running_on(cluster: &Path) -> Option<u32> {
    let identity = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.dev(), found.ino()))
    };
    let cluster = identity(cluster)?;
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    processes
        .filter(|process| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let is_postgres = name.starts_with("postgres") || name.starts_with("postmaster");
            // One that has ended, and was not waited for, works nowhere.
            is_postgres && identity(&process.path().join("cwd")) == Some(cluster)
        })
        .find_map(|process| process.file_name().to_str()?.parse().ok())
}

/// Removes the pid file of a cluster on which no server runs. The caller holds the lock of the data directory,
/// so that no `up` starts one meanwhile. Processes that survived their server are found by Postgres itself: it
/// refuses a cluster whose shared memory is in use.
///
/// # Errors
/// When the file cannot be removed.
pub(super) fn remove_pid_file(cluster: &Path) -> anyhow::Result<()> {
    let file = cluster.join(PID_FILE);
    secret_file::remove(&file).with_context(|| {
        format!(
            "{} is left from a server that does not run any more, and cannot be removed",
            file.display()
        )
    })
}

/// The port of the server that runs on the cluster at a path, if any.
///
/// # Errors
/// When the server's pid file cannot be read.
pub(super) fn port_of_running(cluster: &Path) -> anyhow::Result<Option<u16>> {
    let file = cluster.join(PID_FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
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
    let port = text
        .lines()
        .nth(3)
        .and_then(|port| port.trim().parse().ok());
    Ok(running_on(cluster).and(port))
}
