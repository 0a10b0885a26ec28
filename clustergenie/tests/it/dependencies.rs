//! What may be among the crates that we depend on. The rules are those of `deny.toml`, which `cargo deny`
//! checks too where it is installed: it takes minutes to compile, and these tests take a second.
//!
//! Known vulnerabilities are not looked for here, because that needs a database from the network:
//! `./dev test advisories` does.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::metadata::{Package, packages};

/// Where crates of others come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that the program must not have when it is built without features, because they make a first
/// build long: tools of benchmarks, a second TLS, a second HTTP, and what only the archive needs.
const HEAVY: [&str; 10] = [
    "aws-lc-sys",
    "csv",
    "eventstore",
    "h2",
    "hyper-rustls",
    "native-tls",
    "openssl-sys",
    "prost",
    "reqwest",
    "tonic",
];

/// Crates that name no license, and the license in their files.
const LICENSE_FILES: [(&str, &str); 1] = [("jsonpath-rust", "MIT")];

#[test]
fn every_license_is_allowed_and_every_allowed_one_is_used() {
    let allowed = list("allow");
    let mut used = BTreeSet::new();
    for package in of_others() {
        let name = format!("{} {}", package.name, package.version);
        let in_file = LICENSE_FILES
            .iter()
            .find(|(known, _)| *known == package.name);
        let in_file = in_file.map(|(_, license)| *license);
        let Some(expression) = package.license.as_deref().or(in_file) else {
            panic!("{name} names no license: read it, and decide");
        };
        let tokens = tokens(expression);
        assert!(
            is_met(&tokens, &allowed),
            "{name} is under {expression}, which deny.toml does not allow"
        );
        used.extend(tokens);
    }
    let unused: Vec<_> = allowed.difference(&used).collect();
    assert!(unused.is_empty(), "deny.toml allows in vain: {unused:?}");
}

#[test]
fn crates_of_others_come_from_the_registry() {
    for package in of_others() {
        assert_eq!(
            package.source.as_deref(),
            Some(REGISTRY),
            "{}",
            package.name
        );
    }
}

#[test]
fn no_requirement_fits_every_version() {
    for package in packages(&["--no-deps", "--offline"]) {
        for dependency in &package.dependencies {
            assert!(
                dependency.path.is_some() || dependency.req != "*",
                "{} takes any version of {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn a_first_build_compiles_nothing_heavy() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", "clustergenie"])
        .args([
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .output()
        .unwrap();
    assert!(tree.status.success());
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(crates.contains("api"), "the tree is that of the program");
    let heavy: Vec<_> = HEAVY.iter().filter(|name| crates.contains(*name)).collect();
    assert!(
        heavy.is_empty(),
        "these make a first build long, see `cargo tree -p clustergenie -i NAME`: {heavy:?}"
    );
}

/// The crates of others that all features bring, on all platforms that deny.toml names.
fn of_others() -> Vec<Package> {
    let on =
        |target: String| packages(&["--locked", "--all-features", "--filter-platform", &target]);
    let mut packages: Vec<_> = list("targets").into_iter().flat_map(on).collect();
    packages.retain(|package| package.source.is_some());
    packages
}

/// The texts of a list in deny.toml, each on a line of its own or all on one.
fn list(name: &str) -> BTreeSet<String> {
    let rules = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap();
    let start = format!("\n{name} = [");
    let (_, rest) = rules.split_once(&start).expect("deny.toml has the list");
    let (list, _) = rest.split_once(']').expect("it ends");
    // Between quotes, comments of the lines aside.
    let lines = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let texts: BTreeSet<_> = lines
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert!(!texts.is_empty(), "deny.toml lists no {name}");
    texts
}

/// Parentheses, `AND`, `OR`, and licenses, each with its exception.
fn tokens(expression: &str) -> Vec<String> {
    // An old way to write OR.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut tokens: Vec<String> = Vec::new();
    let mut words = spaced.split_whitespace();
    while let Some(word) = words.next() {
        match (word, tokens.last_mut()) {
            ("WITH", Some(license)) => {
                license.push_str(" WITH ");
                license.push_str(words.next().expect("WITH names an exception"));
            }
            _ => tokens.push(word.to_owned()),
        }
    }
    tokens
}

/// Whether a license may be chosen that is allowed. OR binds less than AND.
fn is_met(tokens: &[String], allowed: &BTreeSet<String>) -> bool {
    let alternatives = split(tokens, "OR");
    if alternatives.len() > 1 {
        return alternatives.iter().any(|part| is_met(part, allowed));
    }
    let conditions = split(tokens, "AND");
    if conditions.len() > 1 {
        return conditions.iter().all(|part| is_met(part, allowed));
    }
    match tokens {
        [license] => allowed.contains(license),
        [open, inner @ .., close] if open == "(" && close == ")" => is_met(inner, allowed),
        other => panic!("no license expression: {other:?}"),
    }
}

/// The parts between an operator that is in no parentheses.
fn split<'a>(tokens: &'a [String], operator: &str) -> Vec<&'a [String]> {
    let mut depth = 0;
    tokens
        .split(|token| {
            match token.as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            depth == 0 && token == operator
        })
        .collect()
}

#[test]
fn a_license_may_be_chosen() {
    let allowed =
        BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    let is_met = |expression| is_met(&tokens(expression), &allowed);
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "MIT AND ISC",
        "GPL-3.0 AND ISC OR MIT",
        "(GPL-3.0 OR MIT) AND ISC",
        "GPL-3.0 OR Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_met(good), "{good}");
    }
    for bad in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(GPL-3.0 OR MIT) AND GPL-3.0",
        "GPL-3.0 AND (ISC OR MIT)",
        "Apache-2.0",
    ] {
        assert!(!is_met(bad), "{bad}");
    }
}
