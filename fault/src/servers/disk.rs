//! A small disk for Postgres's data only, which can be filled without harm to other data.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// The place of Postgres's data.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A memory-backed file system.
    Mounted,
    /// An ordinary directory, because mounting is not permitted.
    Directory,
}

impl Disk {
    /// Mounts a disk of this size at a path, or creates a directory if mounting is not permitted.
    pub(crate) fn make(path: PathBuf, mib: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(&path)
            .with_context(|| format!("{} cannot be created", path.display()))?;
        let data = CString::new(format!("size={mib}m,mode=755"))?;
        let mounted = mount(
            "clustergenie-fault",
            &path,
            "tmpfs",
            MountFlags::empty(),
            &*data,
        );
        let kind = match mounted {
            Ok(()) => Kind::Mounted,
            Err(_) => Kind::Directory,
        };
        Ok(Self { path, kind })
    }

    /// The directory of the disk.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// True if the disk can be filled.
    pub(crate) fn can_be_filled(&self) -> bool {
        self.kind == Kind::Mounted
    }

    /// Creates a directory on the disk for a user.
    pub(crate) fn folder(&self, name: &str, owner: Option<(u32, u32)>) -> anyhow::Result<PathBuf> {
        let folder = self.path.join(name);
        fs::create_dir(&folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        if let Some((uid, gid)) = owner {
            chown(&folder, Some(uid), Some(gid))?;
        }
        Ok(folder)
    }

    /// Fills the disk until the returned value is dropped.
    pub(crate) fn fill(&self) -> anyhow::Result<Ballast> {
        let path = self.path.join("ballast");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let mut size = 0;
        loop {
            let room = statvfs(&self.path)?;
            let free = room.f_bavail * room.f_frsize;
            if free == 0 {
                break;
            }
            match fallocate(&file, FallocateFlags::empty(), size, free) {
                Ok(()) => size += free,
                // Another process took space meanwhile.
                Err(Errno::NOSPC | Errno::INTR) => {}
                Err(error) => return Err(error).context("the disk cannot be filled"),
            }
        }
        Ok(Ballast(path))
    }

    /// Copies the disk's contents to an ordinary directory, because the disk does not outlast the run.
    pub(crate) fn keep(&self, to: &Path) -> anyhow::Result<()> {
        if self.kind == Kind::Mounted {
            let mut copy = std::process::Command::new("cp");
            let status = copy.arg("-a").arg(&self.path).arg(to).status()?;
            anyhow::ensure!(status.success(), "the data could not be copied");
        }
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.kind == Kind::Mounted {
            // Detached: processes that are still ending may use it.
            let _ = unmount(&self.path, UnmountFlags::DETACH);
        }
    }
}

/// The file that fills the disk.
#[derive(Debug)]
pub(crate) struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
