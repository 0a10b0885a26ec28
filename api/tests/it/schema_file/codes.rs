//! The set of error codes is closed, and the page for frontends knows all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use api::graph::error::Code;
use api::graph::user_error_code;

/// Where mutations are refused.
const REFUSING: [&str; 3] = ["../domain/src", "../commands/src", "src"];

/// What is written like a code there and is none.
const NO_CODES: [&str; 6] = [
    "COMMAND_RECORDS",
    "SCREAMING_SNAKE_CASE",
    "CARGO_PKG_VERSION",
    "INPUT_OBJECT",
    "NON_NULL",
    "UPDATED_AT",
];

/// The codes in the first column of the table under this heading.
fn documented(heading: &str) -> Vec<String> {
    let page = include_str!("../../../../docs/frontends.md");
    let (_, section) = page.split_once(heading).expect("the page has this heading");
    let section = section.split("\n#").next().unwrap_or_default();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let codes = cells.filter_map(|cell| cell.split_once('`'));
    codes.map(|(code, _)| code.to_owned()).collect()
}

#[test]
fn the_page_for_frontends_names_every_code_and_no_other() {
    let codes = Code::ALL.map(|code| code.as_str().to_owned());
    assert_eq!(documented("### Of top-level errors"), codes);
}

#[test]
fn the_page_for_frontends_names_every_reason_to_refuse_a_mutation_and_no_other() {
    let mut codes = BTreeSet::new();
    for folder in REFUSING {
        for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let source = fs::read_to_string(file).expect("sources can be read");
            let texts = source.split('"').filter(|text| is_code(text));
            codes.extend(texts.map(str::to_owned));
        }
    }
    for other in Code::ALL.map(Code::as_str).iter().chain(&NO_CODES) {
        codes.remove(*other);
    }
    let documented = documented("### Of rejected mutations");
    assert_eq!(BTreeSet::from_iter(documented), codes);
    let in_schema = user_error_code::CODES
        .iter()
        .map(|(code, _)| (*code).to_owned());
    assert_eq!(in_schema.collect::<BTreeSet<_>>(), codes);
}

/// Capitals, and at least one underscore between them.
fn is_code(text: &str) -> bool {
    let words = text.split('_');
    text.contains('_')
        && words
            .into_iter()
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// All sources below a folder, without tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("sources are there");
    let paths = entries.map(|entry| entry.expect("they can be listed").path());
    let nested = paths.map(|path| {
        if path.is_dir() {
            sources(&path)
        } else if path.extension().is_some_and(|name| name == "rs")
            && !["tests.rs", "user_error_code.rs"]
                .iter()
                .any(|name| path.ends_with(name))
        {
            vec![path]
        } else {
            Vec::new()
        }
    });
    nested.flatten().collect()
}
