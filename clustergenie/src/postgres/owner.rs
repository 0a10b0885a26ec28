//! The system user that owns the private cluster. Postgres refuses to run as root, so root needs another user.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Users that may own the cluster when this process runs as root, the preferred one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The owner of the cluster's files, who runs its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The current user.
    CurrentUser,
    /// Another user, because this process runs as root.
    Other {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl Owner {
    /// The owner of an existing or a new cluster.
    ///
    /// # Errors
    /// When this process cannot act as the owner of the cluster, or root finds no user to act as.
    pub(super) fn of(cluster: &Path) -> anyhow::Result<Self> {
        let existing = fs::metadata(cluster).ok();
        let we = rustix::process::geteuid();
        if !we.is_root() {
            return match existing {
                Some(metadata) if metadata.uid() != we.as_raw() => bail!(
                    "{} belongs to the user with id {}: run as that user or as root, or choose another \
                     directory with --data",
                    cluster.display(),
                    metadata.uid()
                ),
                _ => Ok(Self::CurrentUser),
            };
        }
        match existing {
            Some(metadata) if metadata.uid() != 0 => Ok(Self::Other {
                uid: metadata.uid(),
                gid: metadata.gid(),
            }),
            _ => {
                let users = fs::read_to_string("/etc/passwd")
                    .context("/etc/passwd cannot be read, to find a user to run Postgres as")?;
                CANDIDATES
                    .iter()
                    .find_map(|name| find(&users, name))
                    .context(
                        "Postgres does not run as root, and there is no user `postgres` or `nobody` to run it: \
                         create one, or run as an ordinary user",
                    )
            }
        }
    }

    /// Configures a command to run as the owner.
    pub(super) fn runs(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Changes the owner of a file or directory to this owner.
    pub(super) fn takes(self, path: &Path) -> io::Result<()> {
        match self {
            Self::CurrentUser => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// Checks that the owner can enter a directory, which needs permission for every directory above it.
    ///
    /// # Errors
    /// When the owner cannot enter the directory. The error says which directory to choose instead.
    pub(super) fn can_enter(self, folder: &Path) -> anyhow::Result<()> {
        let Self::Other { uid, .. } = self else {
            return Ok(());
        };
        let mut try_it = Command::new("/bin/sh");
        try_it
            .args(["-c", "cd -- \"$0\""])
            .arg(folder)
            .current_dir("/");
        self.runs(&mut try_it);
        let tried = try_it.output().context("/bin/sh cannot be run")?;
        if !tried.status.success() {
            bail!(
                "Postgres does not run as root, and the user with id {uid}, who would run it, cannot enter \
                 {}: choose a directory that all users can enter with --data, such as \
                 /var/lib/clustergenie, or run as an ordinary user",
                folder.display()
            );
        }
        Ok(())
    }
}

/// The ids of a user, from the lines `name:password:uid:gid:...`.
fn find(users: &str, name: &str) -> Option<Owner> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        is_it.then_some(())?;
        Some(Owner::Other {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\
                     postgresql:x:7:8::/:\n\
                     postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(
            find(users, "postgres"),
            Some(Owner::Other { uid: 101, gid: 104 })
        );
        assert_eq!(find(users, "nobody"), None);
    }
}
