//! The archive of the write-ahead log of the private Postgres: a directory that the server copies each segment to.
//!
//! A segment is complete on disk before it has its name, and is never overwritten: one with other contents stops the
//! archiving, and the server keeps the segments meanwhile.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::owner::Owner;

/// The time after which a segment is archived that is not full: what a lost disk costs at most.
const ARCHIVE_TIMEOUT: &str = "60s";

/// Longest path of an archive, in bytes. With it, no command for the archive reaches the limit of Postgres.
const LONGEST_PATH: usize = 500;

/// Length of a segment's name: its timeline, and its place in the log.
const NAME_LENGTH: usize = 24;

/// The archive of a series of backups.
#[derive(Debug)]
pub(super) struct WalArchive {
    folder: PathBuf,
}

impl WalArchive {
    /// Returns the archive of a series of backups.
    ///
    /// # Errors
    /// When the path cannot be part of a shell's command.
    pub(super) fn of(series: &Path) -> anyhow::Result<Self> {
        let folder = std::path::absolute(series.join("wal"))
            .with_context(|| format!("{} is not a path", series.display()))?;
        let is_plain = |text: &str| !text.contains(['\'', '%', '\\', '"', '\n']);
        ensure!(
            folder.to_str().is_some_and(is_plain),
            "the path {} has quotes, backslashes, `%` or bytes that are not UTF-8: choose another directory for backups",
            series.display()
        );
        ensure!(
            folder.as_os_str().len() <= LONGEST_PATH,
            "the path {} is too long: choose another directory for backups",
            series.display()
        );
        Ok(Self { folder })
    }

    /// Returns true if anything can have been archived.
    pub(super) fn exists(&self) -> bool {
        self.folder.is_dir()
    }

    /// Returns the name of the last archived segment, if there is one.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(super) fn last_segment(&self) -> anyhow::Result<Option<String>> {
        let cannot = || format!("the archive {} cannot be read", self.folder.display());
        let mut last = None;
        for entry in fs::read_dir(&self.folder).with_context(cannot)? {
            let name = entry.with_context(cannot)?.file_name().into_string().ok();
            last = last.max(name.filter(|name| is_segment(name)));
        }
        Ok(last)
    }

    /// Creates the directory for the server, which its owner runs, if it does not exist.
    ///
    /// # Errors
    /// When the directory cannot be created, or its owner cannot enter it.
    pub(super) fn create(&self, owner: Owner) -> anyhow::Result<()> {
        let shown = self.folder.display();
        if !self.exists() {
            // Others may enter, because Postgres runs as another user when we are root.
            DirBuilder::new()
                .recursive(true)
                .mode(0o711)
                .create(&self.folder)
                .and_then(|()| owner.takes(&self.folder))
                .with_context(|| format!("the archive {shown} cannot be created"))?;
        }
        owner.can_enter(&self.folder)
    }

    /// Returns the settings of a server that archives.
    pub(super) fn archiving(&self) -> Vec<(&'static str, String)> {
        let to = self.folder.display();
        // The path is there once: Postgres cuts a command off after 1024 bytes.
        let command = format!(
            "to='{to}' && if test -f \"$to/%f\"; then cmp -s '%p' \"$to/%f\"; else cp '%p' \"$to/.%f.part\" && \
             sync \"$to/.%f.part\" && mv \"$to/.%f.part\" \"$to/%f\" && sync \"$to\"; fi"
        );
        vec![
            ("archive_mode", "on".to_owned()),
            ("archive_timeout", ARCHIVE_TIMEOUT.to_owned()),
            ("archive_command", command),
        ]
    }

    /// Returns the settings of a server that recovers from the archive.
    pub(super) fn recovering(&self) -> Vec<(&'static str, String)> {
        let from = self.folder.display();
        vec![("restore_command", format!("cp '{from}/%f' '%p'"))]
    }
}

fn is_segment(name: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    name.len() == NAME_LENGTH && name.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_a_shell_would_read_otherwise_is_refused() {
        assert!(WalArchive::of(Path::new("/backups/of clustergenie")).is_ok());
        for bad in ["/back'up", "/100%", "/back\\up", "/back\nup"] {
            assert!(WalArchive::of(Path::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn postgres_takes_the_command_with_the_longest_path() {
        let path = |length: usize| format!("/{}", "x".repeat(length - "//wal".len()));
        assert!(WalArchive::of(Path::new(&path(LONGEST_PATH + 1))).is_err());
        let archive = WalArchive::of(Path::new(&path(LONGEST_PATH))).expect("it is short enough");
        for (name, value) in archive.archiving().into_iter().chain(archive.recovering()) {
            let file = "000000010000000000000002.00000028.backup";
            let value = value
                .replace("%p", &format!("pg_wal/{file}"))
                .replace("%f", file);
            assert!(value.len() < 1024, "{name} has {} bytes", value.len());
        }
    }
}
