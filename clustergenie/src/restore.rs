//! `clustergenie restore`: creates a data directory from a backup.
//!
//! Everything happens in a directory beside the new one, which gets its name at the end. An interrupt leaves nothing
//! that could be taken for a data directory. One restore at a time works in that directory; another one is refused.

use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::future::pending;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use event_store::incarnation::{self, Lineage};
use event_store::pool::{self, Purpose};

use crate::config::Restore;
use crate::data_directory::DataDirectory;
use crate::postgres::backup::{self, Made, Recovered};
use crate::tasks::Signals;

/// Restores a backup and prints what the log has.
///
/// # Errors
/// When the data directory exists, no backup fits, the recovery fails, or on an interrupt. Then there is no new data
/// directory.
pub(crate) async fn run(settings: Restore) -> anyhow::Result<()> {
    refuse_existing(&settings.data)?;
    let unfinished = beside(&settings.data)?;
    let _lock = lock(&unfinished)?;
    let mut signals = Signals::listen()?;
    let restored = tokio::select! {
        restored = restore(&settings, &unfinished) => restored,
        signal = signals.next() => Err(anyhow::anyhow!("interrupted by {signal}")),
    };
    let (base, lineage) = match restored {
        Ok(restored) => restored,
        Err(error) => {
            // A server that is still ending may hold files; the next run removes them.
            let _ = fs::remove_dir_all(&unfinished);
            return Err(error.context("nothing was restored"));
        }
    };
    fs::rename(&unfinished, &settings.data).with_context(|| {
        format!(
            "the new data directory cannot be moved from {}",
            unfinished.display()
        )
    })?;
    let fork = lineage.current().fork;
    let key = if base.has_key {
        ""
    } else {
        "The backup holds no key for tokens: copy the old `jwt.key` into the new directory first. Without it, the \
         start makes a new key, and earlier tokens are refused. "
    };
    writeln!(
        io::stdout(),
        "{} has the log up to position {fork}, from {}. {key}Start the platform: `clustergenie up --data {}`. Clients \
         that saw later positions must list again.",
        settings.data.display(),
        base.path.display(),
        settings.data.display()
    )
    .context("the result cannot be printed")
}

/// Restores into the directory, and begins the new incarnation of the log.
async fn restore(settings: &Restore, into: &Path) -> anyhow::Result<(Made, Lineage)> {
    let data = DataDirectory::lock(into)?;
    let bin = settings.postgres_bin.as_deref();
    let recovered = backup::recover(&settings.backup, data.path(), settings.at, bin).await?;
    let Recovered { base, postgres } = recovered;
    let noticed = async {
        let pool = pool::connect(postgres.url(), Purpose::Maintenance, 1).await?;
        let lineage = incarnation::ensure(&pool).await;
        pool.close().await;
        anyhow::Ok(lineage?)
    };
    let lineage = noticed.await;
    let stopped = postgres.stop(pending()).await;
    let lineage = lineage.context("the restored database cannot be used")?;
    stopped?;
    Ok((base, lineage))
}

fn refuse_existing(data: &Path) -> anyhow::Result<()> {
    match fs::read_dir(data).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(false) => bail!(
            "{} exists and is not empty: move it away, or choose another directory with --data",
            data.display()
        ),
        Err(error) => Err(error)
            .with_context(|| format!("{} is not a directory that can be read", data.display())),
    }
}

/// Locks the directory of a restore, which is created if it does not exist, and removes what an interrupted run left in
/// it. The lock is on the directory itself, whatever its name becomes.
fn lock(unfinished: &Path) -> anyhow::Result<File> {
    let shown = unfinished.display();
    // As a data directory.
    DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(unfinished)
        .with_context(|| format!("{shown} cannot be created"))?;
    let cannot = || format!("{shown} cannot be read");
    let lock = File::open(unfinished).with_context(cannot)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!(
            "another `clustergenie restore` works in {shown}: wait for its end, or choose another directory with --data"
        ),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("{shown} cannot be locked"));
        }
    }
    let identity = |found: Metadata| (found.dev(), found.ino());
    let locked = identity(lock.metadata().with_context(cannot)?);
    ensure!(
        fs::metadata(unfinished)
            .map(identity)
            .is_ok_and(|found| found == locked),
        "another `clustergenie restore` just ended in {shown}: try again"
    );
    for entry in fs::read_dir(unfinished).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("{} cannot be removed", path.display()))?;
    }
    Ok(lock)
}

/// Returns the directory beside the new one, on the same file system.
fn beside(data: &Path) -> anyhow::Result<PathBuf> {
    let data = std::path::absolute(data).context("--data is not a path")?;
    let name = data
        .file_name()
        .context("--data is not the path of a directory to create")?;
    let mut unfinished = name.to_owned();
    unfinished.push(".unfinished");
    Ok(data.with_file_name(unfinished))
}
