//! The file of the key that signs and checks tokens.
//!
//! White space around a text key is ignored, so a final line break does not change the key. An example of a
//! text key is the output of `openssl rand -base64 48`. Any other file is the key, byte by byte.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};

use crate::secret_file;

/// The name of the key file in a data directory.
const FILE: &str = "jwt.key";

/// Prefix of development keys, so that `api` recognizes them and logs a warning.
const DEVELOPMENT: &str = "clustergenie-development-key-";

/// Reads the key of a locked data directory; creates the key if the directory has none.
///
/// # Errors
/// When the key cannot be read or written.
pub(crate) fn make_in_data_directory(data: &Path) -> anyhow::Result<Vec<u8>> {
    let key = secret_file::read_or_write(&data.join(FILE), || {
        let random: [u8; 32] = secret_file::random()?;
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{DEVELOPMENT}{digits}\n").into_bytes())
    })?;
    Ok(without_white_space(key))
}

/// Reads the key of a data directory.
///
/// # Errors
/// When no platform was ever started there, or the key cannot be read.
pub(crate) fn of_data_directory(data: &Path) -> anyhow::Result<Vec<u8>> {
    let path = data.join(FILE);
    match fs::read(&path) {
        Ok(key) => Ok(without_white_space(key)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "no platform in {data}: pass the data directory of your platform with --data, or start one \
             there with `clustergenie up --data {data}`",
            data = data.display()
        ),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Reads a key file.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn of_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let key = fs::read(path)
        .with_context(|| format!("the signing key {} cannot be read", path.display()))?;
    Ok(without_white_space(key))
}

/// True if `up` created the key, for use on one machine.
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
