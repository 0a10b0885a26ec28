//! Files that only their owner may read: keys, passwords, ready tokens.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use ring::rand::{SecureRandom, SystemRandom};

/// Writes a file that only its owner may read, atomically: readers see the old or the new contents, also
/// after a power failure.
///
/// # Errors
/// When the directory does not accept the file.
pub(crate) fn write(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    try_write(path, contents).with_context(|| format!("{} cannot be written", path.display()))
}

/// Reads a file; creates it with the contents of `make` if it does not exist.
///
/// # Errors
/// When the file cannot be read or written.
pub(crate) fn read_or_write(
    path: &Path,
    make: impl FnOnce() -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    match fs::read(path) {
        Ok(contents) => Ok(contents),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let contents = make()?;
            write(path, &contents)?;
            Ok(contents)
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Removes a file, if it exists.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Random bytes for a secret.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn random<const BYTES: usize>() -> anyhow::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system has no randomness"))?;
    Ok(bytes)
}

fn try_write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = path.with_file_name(format!(".{name}.{}", std::process::id()));
    // Left by a killed process with the same process id.
    remove(&unfinished)?;
    // An existing file would keep its owner and mode, and a link would be followed.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    let written = file
        .write_all(contents)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // The error to report is that of writing.
        let _ = fs::remove_file(&unfinished);
    }
    written.and_then(|()| sync_directory(path))
}

/// Syncs the directory of a renamed file; only then does the rename survive a power failure.
fn sync_directory(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_and_only_its_owner_may_read_it() {
        let folder = std::env::temp_dir().join(format!("secret-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("key");

        let first = read_or_write(&path, || Ok(random::<32>()?.to_vec())).unwrap();
        let second = read_or_write(&path, || Ok(random::<32>()?.to_vec())).unwrap();
        assert_eq!(first, second);
        assert_ne!(first, [0; 32]);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );

        write(&path, b"other").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"other");
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            1,
            "nothing unfinished is left"
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_lies_where_it_is_written_first_is_neither_followed_nor_kept() {
        let folder = std::env::temp_dir().join(format!("secret-link-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (path, others) = (folder.join("key"), folder.join("others"));
        fs::write(&others, "untouched").unwrap();
        let unfinished = folder.join(format!(".key.{}", std::process::id()));
        std::os::unix::fs::symlink(&others, &unfinished).unwrap();

        write(&path, b"secret").unwrap();
        assert_eq!(fs::read(&others).unwrap(), b"untouched");
        let written = fs::symlink_metadata(&path).unwrap();
        assert!(written.is_file() && written.permissions().mode() & 0o777 == 0o600);
        fs::remove_dir_all(&folder).unwrap();
    }
}
