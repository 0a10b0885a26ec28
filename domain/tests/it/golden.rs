//! Files that hold, byte for byte, what was once stored.

use std::path::PathBuf;
use std::{env, fs};

/// The folder of golden files of this kind.
pub(crate) fn folder(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(kind)
}

/// Holds the bytes against the golden file, and makes the file when it is missing and
/// `UPDATE_GOLDEN=1` is set.
///
/// A file that differs is never written: what it holds was stored somewhere.
pub(crate) fn check(kind: &str, file: &str, bytes: &str) -> Result<(), String> {
    let path = folder(kind).join(file);
    if !path.exists() {
        if env::var_os("UPDATE_GOLDEN").is_none_or(|set| set != "1") {
            return Err(format!(
                "{kind}/{file} is missing; make it with `UPDATE_GOLDEN=1 cargo test -p domain`, \
                 read it and commit it"
            ));
        }
        fs::write(&path, bytes).map_err(|error| format!("{kind}/{file}: {error}"))?;
    }
    let golden = fs::read_to_string(&path).map_err(|error| format!("{kind}/{file}: {error}"))?;
    if golden == bytes {
        return Ok(());
    }
    Err(format!(
        "{kind}/{file} holds\n  {golden}\nbut the program writes\n  {bytes}\nWhat was stored never \
         changes: undo the change, or raise the version and make a new file"
    ))
}
