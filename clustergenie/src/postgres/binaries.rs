//! The server programs of Postgres on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// The oldest supported major version.
const OLDEST: u32 = 15;

/// Debian's directory of all versions, each in `<version>/bin`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A directory with the server programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    version: u32,
}

impl Binaries {
    /// Finds the programs to use: those in `given`, else the first that are new enough. An existing cluster
    /// needs the programs of its own major version.
    ///
    /// # Errors
    /// When no suitable programs are found. The error says what to install, or which setting to correct.
    pub(super) fn find(given: Option<&Path>, of_cluster: Option<u32>) -> anyhow::Result<Self> {
        if let Some(folder) = given {
            // Postgres runs in another directory than this process.
            let absolute = std::path::absolute(folder).context("--postgres-bin is not a path")?;
            let found = Self::inspect(&absolute).with_context(|| {
                format!(
                    "{} does not hold the server programs of Postgres: correct --postgres-bin \
                     (CLUSTERGENIE_POSTGRES_BIN), or leave it out",
                    folder.display()
                )
            })?;
            return choose(vec![found], of_cluster);
        }
        let found = candidates()
            .iter()
            .filter_map(|folder| Self::inspect(folder).ok())
            .collect();
        choose(found, of_cluster)
    }

    /// The path of one program.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn inspect(folder: &Path) -> anyhow::Result<Self> {
        let initdb = folder.join("initdb");
        if !initdb.is_file() {
            bail!("{} does not exist", initdb.display());
        }
        let said = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let version = major_version(&said)
            .with_context(|| format!("`postgres --version` said {said:?}, without a version"))?;
        Ok(Self {
            folder: folder.to_owned(),
            version,
        })
    }
}

fn choose(found: Vec<Binaries>, of_cluster: Option<u32>) -> anyhow::Result<Binaries> {
    let fits = |binaries: &&Binaries| match of_cluster {
        Some(version) => binaries.version == version,
        None => binaries.version >= OLDEST,
    };
    if let Some(binaries) = found.iter().find(fits) {
        return Ok(binaries.clone());
    }
    let versions: Vec<_> = found
        .iter()
        .map(|binaries| binaries.version.to_string())
        .collect();
    let versions = if versions.is_empty() {
        "none".to_owned()
    } else {
        versions.join(", ")
    };
    match of_cluster {
        Some(version) => bail!(
            "the data directory needs Postgres {version}, which created it; found here: {versions}. Install \
             it (on Debian: apt-get install postgresql-{version}), or choose another directory with --data"
        ),
        None => bail!(
            "Postgres {OLDEST} or newer is needed and was not found (versions found: \
             {versions}). Install them (on Debian: apt-get install postgresql), or name their \
             directory with --postgres-bin (CLUSTERGENIE_POSTGRES_BIN)"
        ),
    }
}

/// Directories to search for the programs, the likeliest first.
fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(said) = Command::new("pg_config").arg("--bindir").output() {
        let folder = String::from_utf8_lossy(&said.stdout);
        folders.extend((!folder.trim().is_empty()).then(|| PathBuf::from(folder.trim())));
    }
    let mut versions: Vec<u32> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    folders.extend(
        versions
            .iter()
            .map(|version| Path::new(DEBIAN).join(format!("{version}/bin"))),
    );
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    folders
}

/// The major version in the output of `postgres --version`, or in a cluster's `PG_VERSION`.
pub(super) fn major_version(text: &str) -> Option<u32> {
    let start = text.find(|character: char| character.is_ascii_digit())?;
    let digits = &text[start..];
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(version: u32) -> Binaries {
        Binaries {
            folder: format!("/{version}").into(),
            version,
        }
    }

    #[test]
    fn versions_are_read_from_what_postgres_says() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_version("17\n"), Some(17));
        assert_eq!(major_version("postgres"), None);
    }

    #[test]
    fn a_new_cluster_takes_the_first_that_is_new_enough() {
        let found = vec![binaries(14), binaries(16), binaries(17)];
        assert_eq!(choose(found, None).unwrap(), binaries(16));
        let error = choose(vec![binaries(14)], None).expect_err("it is too old");
        assert!(
            error.to_string().contains("apt-get install postgresql"),
            "{error}"
        );
    }

    #[test]
    fn an_old_cluster_takes_its_own_version_only() {
        let found = vec![binaries(17), binaries(15)];
        assert_eq!(choose(found.clone(), Some(15)).unwrap(), binaries(15));
        let error = choose(found, Some(16)).expect_err("there is no such version");
        assert!(
            error.to_string().contains("apt-get install postgresql-16"),
            "{error}"
        );
    }

    #[test]
    fn a_relative_directory_is_found_from_the_directory_of_the_cluster_too() {
        let debian = candidates()
            .iter()
            .find_map(|folder| Binaries::inspect(folder).ok())
            .expect("Postgres is installed");
        // Tests run in the directory of their crate.
        let here = env::current_dir().unwrap();
        let up = here.components().skip(1).map(|_| "..");
        let relative: PathBuf = up
            .map(Path::new)
            .chain([debian.folder.strip_prefix("/").unwrap()])
            .collect();
        assert!(relative.is_relative());
        let found = Binaries::find(Some(&relative), None).unwrap();
        assert!(found.program("postgres").is_absolute());
    }
}
