//! The key that signs and checks tokens, from a file.
//!
//! A file that holds text (what `openssl rand -base64 48` writes, say) is the key without the white
//! space around it, so that a line break at its end does not matter; any other file is the key byte by
//! byte.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};

use crate::secret_file;

/// Where a data directory keeps its key.
const FILE: &str = "jwt.key";

/// Development keys begin with this, so that one is noticed where it does not belong.
const DEVELOPMENT: &str = "clustergenie-development-key-";

/// The key of a data directory that we have taken; makes it when there is none.
///
/// # Errors
/// When it cannot be read or written.
pub(crate) fn make_in_data_directory(data: &Path) -> anyhow::Result<Vec<u8>> {
    let key = secret_file::read_or_write(&data.join(FILE), || {
        let random: [u8; 32] = secret_file::random()?;
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{DEVELOPMENT}{digits}\n").into_bytes())
    })?;
    Ok(without_white_space(key))
}

/// The key of a data directory.
///
/// # Errors
/// When there is none: it is made by the first `up`.
pub(crate) fn of_data_directory(data: &Path) -> anyhow::Result<Vec<u8>> {
    let path = data.join(FILE);
    match fs::read(&path) {
        Ok(key) => Ok(without_white_space(key)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "{} does not exist: start `clustergenie up --data {}` first, which makes it",
            path.display(),
            data.display()
        ),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// The key in a file.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn of_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let key = fs::read(path)
        .with_context(|| format!("the signing key {} cannot be read", path.display()))?;
    Ok(without_white_space(key))
}

/// Whether a key was made by `up`, for one machine.
pub(crate) fn is_for_development(key: &[u8]) -> bool {
    key.starts_with(DEVELOPMENT.as_bytes())
}

fn without_white_space(key: Vec<u8>) -> Vec<u8> {
    let is_text = key
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_text {
        key.trim_ascii().to_vec()
    } else {
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_text_does_not_count() {
        assert_eq!(without_white_space(b" abc=\r\n".to_vec()), b"abc=");
        assert_eq!(without_white_space(b"\x00abc\n".to_vec()), b"\x00abc\n");
    }

    #[test]
    fn the_key_is_made_once_and_known_for_what_it_is() {
        let data = std::env::temp_dir().join(format!("clustergenie-key-{}", std::process::id()));
        fs::create_dir_all(&data).unwrap();
        let refusal = of_data_directory(&data).unwrap_err().to_string();
        assert!(refusal.contains("clustergenie up --data"), "{refusal}");

        let made = make_in_data_directory(&data).unwrap();
        assert_eq!(make_in_data_directory(&data).unwrap(), made);
        assert_eq!(of_data_directory(&data).unwrap(), made);
        assert!(is_for_development(&made));
        assert!(!is_for_development(b"other"));
        assert!(made.len() >= api::identity::tokens::MIN_KEY_BYTES);
        fs::remove_dir_all(&data).unwrap();
    }
}
