//! The user that the private cluster belongs to. Postgres refuses to run as root, so for root it is
//! another user.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// The users that root lends the cluster to, the better one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Who owns the cluster's files and runs its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user that we run as.
    Ourselves,
    /// Another user, because we are root.
    Other {
        /// Its number.
        uid: u32,
        /// The number of its group.
        gid: u32,
    },
}

impl Owner {
    /// The owner of an existing cluster, or the one that a new one gets.
    ///
    /// # Errors
    /// When the cluster belongs to somebody we cannot act for, or root has nobody to act as.
    pub(super) fn of(cluster: &Path) -> anyhow::Result<Self> {
        let existing = fs::metadata(cluster).ok();
        let we = rustix::process::geteuid();
        if !we.is_root() {
            return match existing {
                Some(metadata) if metadata.uid() != we.as_raw() => bail!(
                    "{} belongs to the user with number {}: run as that user, or as root, or \
                     choose another directory with --data",
                    cluster.display(),
                    metadata.uid()
                ),
                _ => Ok(Self::Ourselves),
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
                        "Postgres does not run as root, and there is neither a user `postgres` nor \
                     `nobody` to run it as: make one of them, or run as an ordinary user",
                    )
            }
        }
    }

    /// Makes a command run as the owner.
    pub(super) fn runs(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a file or folder to the owner.
    pub(super) fn takes(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// Checks that the owner can come to a folder, which needs every folder above it to let it pass.
    ///
    /// # Errors
    /// Says what to choose instead.
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
                "Postgres does not run as root, and the user with number {uid}, who would run it, \
                 cannot enter {}: choose a directory that everybody may pass through with \
                 --data, such as /var/lib/clustergenie, or run as an ordinary user",
                folder.display()
            );
        }
        Ok(())
    }
}

/// A user's numbers from the lines `name:password:uid:gid:...`.
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
