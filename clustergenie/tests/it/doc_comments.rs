//! The doc comments of the source code, which are the descriptions in the GraphQL schema and the help of the
//! program too: they begin with a verb or a noun, as CONTRIBUTING.md says.

use std::fs;

use super::module_circles::{crates, sources};

/// First words that are neither a verb nor a noun, and leave a reader to guess the subject.
const FORBIDDEN: [&str; 21] = [
    "As",
    "Everything",
    "How",
    "If",
    "It",
    "Its",
    "One",
    "Somebody",
    "Something",
    "That",
    "Their",
    "These",
    "They",
    "This",
    "Those",
    "What",
    "When",
    "Where",
    "Which",
    "Who",
    "Why",
];

/// The numbered first lines of the doc comments, and of descriptions in attributes.
fn first_lines(source: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut in_comment = false;
    for (number, line) in (1..).zip(source.lines().map(str::trim)) {
        let comment = line.strip_prefix("///").or(line.strip_prefix("//!"));
        if let Some(text) = comment
            && !in_comment
        {
            lines.push((number, text.trim()));
        }
        in_comment = comment.is_some();
        if let Some((_, description)) = line.split_once("desc = \"") {
            lines.push((number, description));
        }
    }
    lines
}

fn begins_as_forbidden(text: &str) -> bool {
    let first = text.split(|c: char| !c.is_alphabetic()).next();
    first.is_some_and(|word| FORBIDDEN.contains(&word))
}

#[test]
fn doc_comments_begin_with_a_verb_or_a_noun() {
    let mut wrong = Vec::new();
    for (_, folder) in crates() {
        for file in sources(&folder) {
            let is_test = file
                .iter()
                .any(|part| part == "tests" || part == "tests.rs");
            let source = fs::read_to_string(&file).unwrap();
            let (source, _) = source
                .split_once("#[cfg(test)]\nmod tests {")
                .unwrap_or((&source, ""));
            for (number, line) in first_lines(source).into_iter().filter(|_| !is_test) {
                if begins_as_forbidden(line) {
                    wrong.push(format!("{}:{number}: {line}", file.display()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "begin with a third-person verb or a noun (see CONTRIBUTING.md):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn first_lines_of_comments_and_descriptions_are_found() {
    let source = "//! What it is.\n//! It is.\n\n/// The name.\n///\n/// What else.\nfn f(\n    \
                  #[graphql(desc = \"Which one.\")] id: ID,\n) {} // What?";
    let found: Vec<_> = first_lines(source)
        .into_iter()
        .filter(|(_, line)| begins_as_forbidden(line))
        .collect();
    assert_eq!(found, [(1, "What it is."), (8, "Which one.\")] id: ID,")]);
}
