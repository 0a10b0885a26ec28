//! The data directory of `up`, and the lock that one process at a time can hold.
//!
//! ```text
//! DIR/lock               locked while an `up` runs
//! DIR/jwt.key            the key that signs and checks tokens
//! DIR/postgres/          the private cluster       (see `postgres`)
//! DIR/postgres-password  the password of its only user
//! DIR/postgres.log       the log of its server
//! DIR/backup-series      the path of the series of backups that it archives to   (see `postgres::series`)
//! ```

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A locked data directory. Dropping this value or ending the process releases the lock.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Locks the directory; creates it if it does not exist.
    ///
    /// # Errors
    /// When another process holds the lock, or the directory cannot be created or written to.
    pub(crate) fn lock(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        // Others may enter, because Postgres runs as another user when we are root. Secret files in it have
        // their own permissions.
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(path)
            .with_context(|| format!("the data directory {shown} cannot be created"))?;
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

    /// The absolute path, with symbolic links resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
