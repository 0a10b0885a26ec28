//! The program begins transactions only by `event_store::pool::begin`. A lint cannot hold this, because tests
//! may begin theirs in any way.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates whose code runs in the program.
const CRATES: [&str; 7] = [
    "api",
    "clustergenie",
    "commands",
    "event-store",
    "outbox-relay",
    "projections",
    "schema",
];

#[test]
fn no_pool_begins_a_transaction_that_its_caller_may_abandon() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    for name in CRATES {
        for file in sources(&root.join(name).join("src")) {
            let text = fs::read_to_string(&file).expect("a source is text");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let begins = code.matches("pool.begin()").count();
            let allowed = usize::from(file.ends_with("event-store/src/pool.rs"));
            if begins > allowed {
                wrong.push(file);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "use event_store::pool::begin in {wrong:?}"
    );
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a crate has sources") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
