//! The file descriptors of this process: one for each connection that it opens.

use anyhow::ensure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The descriptors of files, pipes and Postgres.
const BESIDE: u64 = 256;

/// Raises the limit of file descriptors as far as it may be.
///
/// # Errors
/// When it allows fewer connections than these.
pub(crate) fn allow(connections: usize) -> anyhow::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    let wanted = connections as u64 + BESIDE;
    ensure!(
        maximum.is_none_or(|most| most >= wanted),
        "the limit of file descriptors is too low: raise it to {wanted}"
    );
    Ok(())
}
