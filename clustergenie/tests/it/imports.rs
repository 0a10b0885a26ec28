//! Who may import whom is law. The table is that of ARCHITECTURE.md; dev-dependencies are free, because
//! tests may look at everything.

use std::collections::BTreeMap;

use super::metadata::{Package, packages};

/// Every crate with the crates of ours that it may import.
const LAW: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("schema", &[]),
    ("event-store", &["domain", "schema"]),
    ("commands", &["domain", "event-store"]),
    ("outbox-relay", &["domain", "event-store"]),
    ("projections", &["domain", "event-store", "schema"]),
    ("api", &["commands", "domain", "projections"]),
    (
        "clustergenie",
        &[
            "api",
            "commands",
            "domain",
            "event-store",
            "outbox-relay",
            "projections",
            "schema",
        ],
    ),
    // Never a dependency of the program, see below.
    (
        "testkit",
        &[
            "api",
            "commands",
            "domain",
            "event-store",
            "outbox-relay",
            "projections",
            "schema",
        ],
    ),
    (
        "bench",
        &[
            "api",
            "commands",
            "domain",
            "event-store",
            "outbox-relay",
            "projections",
            "schema",
            "testkit",
        ],
    ),
    // Judges the program by what it tells the world, so it shares no code with it.
    ("fault", &[]),
];

/// Crates of others that only some of ours may import, because everything else must not do what they
/// are for.
const RESERVED: [(&str, &[&str]); 6] = [
    (
        "sqlx",
        &[
            "bench",
            "clustergenie",
            "commands",
            "event-store",
            "fault",
            "outbox-relay",
            "projections",
            "schema",
            "testkit",
        ],
    ),
    (
        "rdkafka",
        &["bench", "fault", "outbox-relay", "projections", "testkit"],
    ),
    ("eventstore", &["bench", "outbox-relay"]),
    ("async-graphql", &["api", "bench"]),
    ("axum", &["api", "bench"]),
    ("clap", &["bench", "clustergenie", "fault"]),
];

/// Crates that no part of the program may import.
const FOR_TESTS: [&str; 3] = ["bench", "fault", "testkit"];

/// What `domain` may import at all: it does no I/O, reads no clock and makes nothing by chance.
const PURE: [&str; 5] = ["serde", "serde_json", "smol_str", "thiserror", "uuid"];

#[test]
fn every_crate_imports_only_what_it_may() {
    let law = BTreeMap::from(LAW);
    let ours = ours();
    for package in &ours {
        let name = package.name.as_str();
        let Some(allowed) = law.get(name) else {
            panic!("{name} is not in the table of who may import whom: add it, and say why");
        };
        let imports = package.imports();
        for import in imports.iter().filter(|import| law.contains_key(*import)) {
            assert!(
                allowed.contains(import),
                "{name} imports {import} and may import only {allowed:?}"
            );
        }
    }
    assert_eq!(
        ours.len(),
        LAW.len(),
        "the table names a crate that is not there"
    );
}

#[test]
fn what_is_for_tests_stays_out_of_the_program() {
    let law = BTreeMap::from(LAW);
    for (name, allowed) in law {
        let is_for_tests = FOR_TESTS.contains(&name);
        assert!(
            is_for_tests || !allowed.iter().any(|import| FOR_TESTS.contains(import)),
            "{name} may not import what is for tests"
        );
    }
}

#[test]
fn crates_that_do_one_thing_are_imported_only_where_it_is_done() {
    let ours = ours();
    for (import, allowed) in RESERVED {
        for package in &ours {
            let name = package.name.as_str();
            assert!(
                allowed.contains(&name) || !package.imports().contains(import),
                "{name} imports {import}, which only {allowed:?} may"
            );
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let ours = ours();
    let domain = ours.iter().find(|package| package.name == "domain");
    let imports = domain.expect("there is a crate `domain`").imports();
    let impure: Vec<_> = imports
        .iter()
        .filter(|import| !PURE.contains(import))
        .collect();
    assert!(impure.is_empty(), "`domain` imports {impure:?}");
}

/// The packages of the workspace, read from the manifests alone.
fn ours() -> Vec<Package> {
    packages(&["--no-deps", "--offline"])
}
