//! What `cargo metadata` says about our crates and those that they depend on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

/// A crate, as far as rules about crates need to know it.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Where it comes from; `None` for ours.
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Where its manifest is.
    pub(crate) manifest_path: PathBuf,
}

/// What a crate says in its manifest about one that it uses.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Which versions fit.
    pub(crate) req: String,
    /// `None` for a normal dependency, else `build` or `dev`.
    kind: Option<String>,
    /// The folder of one of ours.
    pub(crate) path: Option<String>,
}

impl Package {
    /// What the crate itself and its build script import, not its tests.
    pub(crate) fn imports(&self) -> BTreeSet<&str> {
        let imports = |dependency: &&Dependency| match dependency.kind.as_deref() {
            None | Some("build") => true,
            Some("dev") => false,
            Some(other) => panic!("{} has a dependency of the unknown kind {other}", self.name),
        };
        let imported = self.dependencies.iter().filter(imports);
        imported
            .map(|dependency| dependency.name.as_str())
            .collect()
    }
}

/// Asks cargo, with options beyond those of every question.
pub(crate) fn packages(options: &[&str]) -> Vec<Package> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .args(options)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    metadata.packages
}
