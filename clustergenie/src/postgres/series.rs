//! The series in a directory for backups: base backups of one data directory, and its write-ahead log since then.
//!
//! ```text
//! BACKUP/lock            locked while an `up` archives here
//! BACKUP/SERIES/wal/     the archived write-ahead log             (see `archive`)
//! BACKUP/SERIES/base/    the base backups                         (see `backup`)
//! DATA/backup-series     the path of the series that this data directory archives to
//! ```
//!
//! The log of a series has one timeline, and no gap after its first base backup. A data directory begins a new series
//! when that could be false:
//!
//! - after a restore, and with another directory for backups: `backup-series` is absent or names another path;
//! - after its server ran without archiving: each such start removes `backup-series` first;
//! - after another data directory archived here: its series is not the last one.
//!
//! So segments with one name and different contents never meet, and no recovery can follow the log into a state that a
//! restore removed. One `up` at a time archives into a directory. So series do not overlap in time, and the last one has the
//! latest state.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};

use crate::secret_file;

/// The name of a series, by the time of its beginning, and of a base backup, by the time when it was complete.
const NAME: &str = "%Y%m%dT%H%M%S%.6fZ";
/// The file of a data directory that names its series.
const FILE: &str = "backup-series";

/// The series that a platform archives to. Dropping this value unlocks the directory for backups.
#[derive(Debug)]
pub(crate) struct Series {
    folder: PathBuf,
    lock: File,
}

impl Drop for Series {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is being started may hold a copy of it for a moment.
        let _ = self.lock.unlock();
    }
}

impl Series {
    /// Opens the series of a locked data directory. Begins a new one unless the log was archived without a gap.
    ///
    /// # Errors
    /// When another `up` archives into the directory, or it cannot be written to.
    pub(crate) fn open(data: &Path, backup: &Path) -> anyhow::Result<Self> {
        let backup = directory(backup)?;
        let lock = lock_directory(&backup)?;
        let last = names(&backup)?.pop().map(|name| backup.join(name));
        let folder = match of(data, &backup)? {
            Some(series) if Some(&series) == last.as_ref() => series,
            Some(_) | None => {
                let series = begin(&backup)?;
                let path = series
                    .to_str()
                    .with_context(|| format!("the path {} is not UTF-8", series.display()))?;
                secret_file::write(&data.join(FILE), path.as_bytes())?;
                tracing::info!(series = path, "a new series of backups begins");
                series
            }
        };
        Ok(Self { folder, lock })
    }

    /// Returns the directory of the series.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Ends the series of a data directory: its server is about to run without archiving.
///
/// # Errors
/// When the data directory cannot be written to.
pub(super) fn end(data: &Path) -> anyhow::Result<()> {
    secret_file::remove(&data.join(FILE))
        .with_context(|| format!("{} cannot be removed", data.join(FILE).display()))?;
    sync_folder(data)
}

/// Returns the series that a data directory archives to, if it is in this directory for backups.
///
/// # Errors
/// When the data directory cannot be read.
pub(super) fn of(data: &Path, backup: &Path) -> anyhow::Result<Option<PathBuf>> {
    let file = data.join(FILE);
    match fs::read_to_string(&file) {
        Ok(path) => {
            let series = PathBuf::from(path);
            Ok((series.parent() == Some(backup) && series.is_dir()).then_some(series))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

/// Begins a series after all others of a locked directory for backups, and returns its directory.
///
/// # Errors
/// When the clock is behind the last series, or the directory cannot be written to.
pub(super) fn begin(backup: &Path) -> anyhow::Result<PathBuf> {
    let name = name_of(now());
    if let Some(last) = names(backup)?.pop() {
        ensure!(
            last < name,
            "the clock is behind: a series of backups in {} began at {last}, and it is {name} now. Correct the clock",
            backup.display()
        );
    }
    let series = backup.join(name);
    // Others may enter, because Postgres archives as another user when we are root.
    DirBuilder::new()
        .mode(0o711)
        .create(&series)
        .with_context(|| format!("{} cannot be created", series.display()))?;
    sync_folder(backup)?;
    Ok(series)
}

/// A base backup, and the series that it belongs to.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) series: PathBuf,
    pub(super) path: PathBuf,
}

/// Returns the base backup for a restore: the newest one that was complete by a time, of the last series with such
/// a one.
///
/// # Errors
/// When there is none.
pub(super) fn newest_base(backup: &Path, at: Option<DateTime<Utc>>) -> anyhow::Result<Base> {
    let latest = at.map(name_of);
    let mut oldest = None;
    for series in names(backup)?.iter().rev() {
        let series = backup.join(series);
        let bases = bases(&series)?;
        if bases.is_empty() && series.join("wal").is_dir() {
            tracing::warn!(series = %series.display(), "this series has no base backup, and cannot be restored");
        }
        let fitting = |name: &&String| latest.as_ref().is_none_or(|latest| *name <= latest);
        if let Some(name) = bases.iter().rfind(fitting) {
            let path = series.join("base").join(name);
            return Ok(Base { series, path });
        }
        oldest = bases.into_iter().next().or(oldest);
    }
    match oldest {
        Some(oldest) => bail!(
            "no backup in {} is that old: the oldest is of {oldest}",
            backup.display()
        ),
        None => bail!("{} holds no backups", backup.display()),
    }
}

/// Returns the names of the complete base backups of a series, the oldest first.
///
/// # Errors
/// When they cannot be read.
pub(super) fn bases(series: &Path) -> anyhow::Result<Vec<String>> {
    names(&series.join("base"))
}

/// Creates a directory for backups if it does not exist, and returns its absolute path without symbolic links.
///
/// # Errors
/// When it cannot be created.
pub(super) fn directory(backup: &Path) -> anyhow::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(backup)
        .and_then(|()| fs::canonicalize(backup))
        .with_context(|| format!("{} cannot be created", backup.display()))
}

/// Locks a directory for backups, for a platform that begins a series or archives there.
///
/// # Errors
/// When another platform holds the lock.
pub(super) fn lock_directory(backup: &Path) -> anyhow::Result<File> {
    let shown = backup.display();
    lock(
        &backup.join("lock"),
        &format!("another platform archives into {shown}: choose another directory with --backup"),
    )
}

/// Locks a file, which is created if it does not exist. `refusal` is the error while another process holds the lock.
///
/// # Errors
/// When another process holds the lock, or the file cannot be created.
pub(super) fn lock(file: &Path, refusal: &str) -> anyhow::Result<File> {
    let lock =
        File::create(file).with_context(|| format!("{} cannot be written", file.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!("{refusal}"),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", file.display()))
        }
    }
}

/// Returns the name for a time.
pub(super) fn name_of(time: DateTime<Utc>) -> String {
    time.format(NAME).to_string()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge: here time enters the program"
)]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Makes the entries of a directory durable.
pub(super) fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("{} cannot be synced", folder.display()))
}

/// Returns the entries of a directory that are named by a time, the oldest first. A missing directory has none.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", folder.display()));
        }
    };
    let mut names = Vec::new();
    for entry in found {
        let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
        let name = entry.file_name().into_string().ok();
        names.extend(name.filter(|name| chrono::NaiveDateTime::parse_from_str(name, NAME).is_ok()));
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory for one test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("clustergenie-{name}-{}", std::process::id()));
            for folder in ["data", "other", "backup", "elsewhere"] {
                fs::create_dir_all(path.join(folder)).expect("is created");
            }
            Self(path)
        }

        fn opened(&self, data: &str, backup: &str) -> PathBuf {
            let series = Series::open(&self.0.join(data), &self.0.join(backup));
            series.expect("it is free").folder().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_series_continues_only_while_nothing_is_missing() {
        let folder = Folder::new("series");
        let first = folder.opened("data", "backup");
        assert_eq!(folder.opened("data", "backup"), first);

        // Its server ran without archiving.
        end(&folder.0.join("data")).expect("is ended");
        let second = folder.opened("data", "backup");
        assert!(second > first, "{second:?}");

        // Another one archived meanwhile, such as a restored one.
        let others = folder.opened("other", "backup");
        assert!(others > second, "{others:?}");
        let third = folder.opened("data", "backup");
        assert!(third > others, "{third:?}");

        // It was archived to another directory meanwhile.
        let elsewhere = folder.opened("data", "elsewhere");
        assert_eq!(elsewhere.parent(), Some(&*folder.0.join("elsewhere")));
        assert!(folder.opened("data", "backup") > third);
    }

    #[test]
    fn one_platform_at_a_time_archives_into_a_directory() {
        let folder = Folder::new("series-lock");
        let [data, other, backup] = ["data", "other", "backup"].map(|name| folder.0.join(name));
        let held = Series::open(&data, &backup).expect("it is free");
        let refused = Series::open(&other, &backup).expect_err("it is in use");
        assert!(
            refused.to_string().contains("another platform"),
            "{refused}"
        );
        drop(held);
        Series::open(&other, &backup).expect("it is free");
    }

    #[test]
    fn a_clock_that_is_behind_is_refused() {
        let folder = Folder::new("series-clock");
        let backup = folder.0.join("backup");
        fs::create_dir(backup.join("29991101T120000.000000Z")).expect("is created");
        let refused = Series::open(&folder.0.join("data"), &backup).expect_err("it is behind");
        assert!(
            refused.to_string().contains("the clock is behind"),
            "{refused}"
        );
    }

    #[test]
    fn the_newest_complete_backup_before_a_time_is_used() {
        let folder = Folder::new("bases");
        let backup = folder.0.join("backup");
        for name in [
            "20261101T110000.000000Z/base/20261101T120000.000000Z",
            "20261101T110000.000000Z/base/20261102T120000.500000Z",
            "20261101T110000.000000Z/base/20261102T120001.000000Z.unfinished",
            "20261103T110000.000000Z/base/20261103T120000.000000Z",
            // Begun, and interrupted before the first base backup.
            "20261104T110000.000000Z/wal",
        ] {
            fs::create_dir_all(backup.join(name)).expect("is created");
        }
        let at = |text: &str| Some(text.parse().expect("is a time"));
        let found = |at| {
            newest_base(&backup, at).map(|Base { series, path }| {
                assert!(path.starts_with(series), "{path:?}");
                path.file_name().expect("has a name").to_owned()
            })
        };
        for (time, base) in [
            (None, "20261103T120000.000000Z"),
            (at("2026-11-03T12:00:00Z"), "20261103T120000.000000Z"),
            // The last series has nothing that is so old.
            (at("2026-11-03T11:59:59Z"), "20261102T120000.500000Z"),
            (at("2026-11-02T12:00:00.5Z"), "20261102T120000.500000Z"),
            (at("2026-11-02T12:00:00.4Z"), "20261101T120000.000000Z"),
        ] {
            assert_eq!(found(time).expect("there is one"), base);
        }
        let none = found(at("2026-10-31T00:00:00Z")).expect_err("none is so old");
        assert!(
            none.to_string()
                .contains("the oldest is of 20261101T120000.000000Z"),
            "{none}"
        );
    }
}
