//! The folder that `up` keeps everything in, and the lock that gives it to one process at a time.
//!
//! ```text
//! DIR/lock               held while an `up` runs
//! DIR/jwt.key            signs and checks the tokens of this installation
//! DIR/postgres/          the private cluster       (see `postgres`)
//! DIR/postgres-password  of its only user
//! DIR/postgres.log       what its server says
//! ```

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A data directory that is ours until this value is dropped, or the process ends in any way.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Takes the directory, making it if it does not exist.
    ///
    /// # Errors
    /// When another process has it, or it cannot be made or written to.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        // Others may pass through, because Postgres runs as another user when we are root; what is
        // secret in it is protected by itself.
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(path)
            .with_context(|| format!("the data directory {shown} cannot be made"))?;
        let path = fs::canonicalize(path)
            .with_context(|| format!("the data directory {shown} cannot be reached"))?;
        let lock = File::create(path.join("lock"))
            .with_context(|| format!("the data directory {shown} cannot be written to"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "the data directory {shown} is in use by another `clustergenie up`: stop that one, \
                 or choose another directory with --data"
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("the data directory {shown} cannot be locked"))
            }
        }
    }

    /// Where it is, without links and relative parts.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
