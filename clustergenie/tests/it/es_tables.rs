//! The tables of schema `es` have one owner, `event-store`: every other crate calls its functions and
//! sends no statement of its own on them, but for the exceptions listed here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that may: the owner, the one that creates the tables, and those that are for tests.
const EXEMPT: [&str; 5] = ["event-store", "schema", "testkit", "bench", "fault"];

/// What other crates may name: files that begin with a path, the tables, and why.
const ALLOWED: [(&str, &[&str], &str); 5] = [
    (
        "outbox-relay/src/",
        &["published"],
        "the publisher's own table, which nobody else writes",
    ),
    (
        "outbox-relay/src/lag.rs",
        &["leases"],
        "the publisher's table is written only while its lease is held, in the same statement",
    ),
    (
        "outbox-relay/src/lag.sql",
        &["events", "log", "log_head"],
        "the publisher's progress and the log are measured in one snapshot",
    ),
    (
        "outbox-relay/src/audit.rs",
        &["log"],
        "positions and shards are compared with the messages, page by page",
    ),
    (
        "clustergenie/src/verify.rs",
        &["published"],
        "whether the platform ever published",
    ),
];

#[test]
fn no_other_crate_names_a_table_of_the_event_store() {
    let mut unused: BTreeSet<(&str, &str)> = ALLOWED
        .iter()
        .flat_map(|(path, tables, _)| tables.iter().map(move |table| (*path, *table)))
        .collect();
    let mut violations = Vec::new();
    for (path, tables) in named_tables() {
        for table in tables {
            let allowed = ALLOWED
                .iter()
                .find(|(of, may, _)| path.starts_with(of) && may.contains(&table.as_str()));
            match allowed {
                Some((of, _, _)) => unused.retain(|(path, may)| (path, *may) != (of, &table)),
                None => violations.push(format!("{path} names es.{table}")),
            }
        }
    }
    assert!(
        violations.is_empty(),
        "move these statements into event-store, or say in this test why not: {violations:#?}"
    );
    assert!(
        unused.is_empty(),
        "these exceptions are not needed any more: {unused:?}"
    );
}

/// The files of other crates, by their paths in the workspace, with the tables of `es` that each names
/// outside of comments and tests.
fn named_tables() -> BTreeMap<String, BTreeSet<String>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tables = tables(workspace);
    let mut named = BTreeMap::new();
    for crate_folder in fs::read_dir(workspace).unwrap() {
        let crate_folder = crate_folder.unwrap().path();
        let name = crate_folder.file_name().unwrap().to_str().unwrap();
        if EXEMPT.contains(&name) || !crate_folder.join("Cargo.toml").exists() {
            continue;
        }
        for file in files(&crate_folder.join("src")) {
            let found = named_in(&code(&fs::read_to_string(&file).unwrap()), &tables);
            let path = file.strip_prefix(workspace).unwrap().to_str().unwrap();
            named.insert(path.to_owned(), found);
        }
    }
    assert!(named.len() > 100, "the sources are found");
    named
}

/// The tables that the migrations create in schema `es`.
fn tables(workspace: &Path) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for migration in files(&workspace.join("schema/migrations")) {
        let text = fs::read_to_string(migration).unwrap();
        for after in text.split("create table es.").skip(1) {
            tables.insert(word(after).to_owned());
        }
    }
    assert!(tables.contains("events") && tables.contains("checkpoints"));
    tables
}

/// Rust and SQL files below a folder, without those of unit tests.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_source = path.extension().is_some_and(|of| of == "rs" || of == "sql");
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if is_source && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// A source without its comments and without the unit tests at its end.
fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let is_code =
        |line: &&str| !line.trim_start().starts_with("//") && !line.trim_start().starts_with("--");
    source
        .lines()
        .filter(is_code)
        .collect::<Vec<_>>()
        .join("\n")
}

fn named_in(code: &str, tables: &BTreeSet<String>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("es.") {
        let is_schema = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let table = word(&code[at + 3..]);
        if is_schema && tables.contains(table) {
            named.insert(table.to_owned());
        }
    }
    named
}

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

#[test]
fn statements_are_found_and_comments_and_tests_are_not() {
    let tables = BTreeSet::from(["log".to_owned(), "log_head".to_owned()]);
    let found = |source: &str| named_in(&code(source), &tables);
    assert_eq!(
        found("\"select from es.log_head\""),
        BTreeSet::from(["log_head".to_owned()])
    );
    assert_eq!(found("// es.log\nfiles.log()"), BTreeSet::new());
    assert_eq!(
        found("#[cfg(test)]\nmod tests {\n\"es.log\"}"),
        BTreeSet::new()
    );
}
