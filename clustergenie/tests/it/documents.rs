//! The documents: their links lead somewhere, their sentences are short, their examples do not collide, and
//! the list of events is that of the golden files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use domain::stream_type::StreamType;

/// Most words of a line: CONTRIBUTING.md allows one sentence a line, of at most so many words.
const MAX_WORDS: usize = 25;

/// Files whose commands provision a droplet, and the text before its name. A reader runs one after the other.
const EXAMPLES: [(&str, &str); 5] = [
    ("README.md", r#"name: \""#),
    (
        "clustergenie/src/processes/up/announcement.rs",
        r#"name: \""#,
    ),
    ("dev-tools/conformance/examples/droplets.ts", "?? '"),
    ("dev-tools/conformance/examples/droplets.py", "else \""),
    ("dev-tools/conformance/examples/droplets.sh", "${1:-"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents that change with the program. A decision is never rewritten, so it is not among them.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("docs/decisions/README.md")];
    for folder in [root(), root().join("docs")] {
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        documents.extend(files.filter(|file| file.extension().is_some_and(|e| e == "md")));
    }
    documents
}

/// The numbered lines of a document outside of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let is_fence = line.starts_with("```");
        in_block ^= is_fence;
        (!in_block && !is_fence).then_some((number + 1, line))
    })
}

/// The links in a line, without those to other sites.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1);
    let targets = targets.map(|rest| rest.split(')').next().unwrap_or_default());
    targets.filter(|target| !target.contains("://"))
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(document: &Path) -> BTreeSet<String> {
    let text = read(document);
    let headings = prose(&text).filter(|(_, line)| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(|(_, line)| anchor(line)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = read(&document);
        for (number, line) in prose(&text) {
            for link in links(line) {
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = match file {
                    "" => document.clone(),
                    file => document.with_file_name(file),
                };
                let leads =
                    target.exists() && (anchor.is_empty() || anchors(&target).contains(anchor));
                if !leads {
                    broken.push(format!("{}:{number}: {link}", document.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// The words of a line, where a piece of code counts as one.
fn words(line: &str) -> usize {
    let without_code: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let mut text = String::new();
    for (part, link) in without_code.split("](").enumerate() {
        let shown = match part {
            0 => link,
            _ => link.split_once(')').map_or("", |(_, rest)| rest),
        };
        text.push_str(shown);
    }
    text.split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count()
}

#[test]
fn every_sentence_is_short_and_has_a_line_of_its_own() {
    let mut long = Vec::new();
    for document in documents() {
        let text = read(&document);
        let lines = prose(&text).filter(|(_, line)| !line.starts_with(['|', '#']));
        for (number, line) in lines {
            let words = words(line);
            if words > MAX_WORDS {
                long.push(format!("{}:{number}: {words} words", document.display()));
            }
        }
    }
    assert!(
        long.is_empty(),
        "write one sentence a line, of at most {MAX_WORDS} words (see CONTRIBUTING.md):\n{}",
        long.join("\n")
    );
}

#[test]
fn the_page_for_auditors_names_every_topic() {
    let page = read(&root().join("docs/auditors.md"));
    for stream_type in StreamType::known() {
        let topic = format!("`clustergenie.{stream_type}.v1`");
        assert!(page.contains(&topic), "docs/auditors.md lacks {topic}");
    }
}

#[test]
fn examples_provision_droplets_of_different_names() {
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (file, before) in EXAMPLES {
        let text = read(&root().join(file));
        let (_, rest) = text
            .split_once(before)
            .unwrap_or_else(|| panic!("{file} has no {before}"));
        let name: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        assert!(!name.is_empty(), "{file} names no droplet");
        if let Some(other) = names.insert(name.clone(), file) {
            panic!("{file} and {other} both call their droplet {name}: the second one fails");
        }
    }
}

/// The document that lists every event, as the golden files give it.
fn events() -> String {
    let folder = root().join("domain/tests/golden/events");
    // By name and version; the highest version is the current one.
    let mut shapes: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let (name, version) = stem.rsplit_once(".v").unwrap();
        let payload = read(&file);
        let versions = shapes.entry(name.to_owned()).or_default();
        versions.insert(version.parse().unwrap(), payload);
    }
    let mut text = "\
# Events

This list is made from the golden files in `domain/tests/golden/events`.
After a new event, write it again: `UPDATE_GOLDEN=1 cargo test -p clustergenie --test it documents`.

Each payload is a sample with every field, in the form that is stored.
The present version comes first.
Older versions are stored as they were written, and stay readable.
[For auditors](auditors.md#what-an-event-holds) explains what is stored beside the payload.
"
    .to_owned();
    for (name, versions) in shapes {
        text.push_str(&format!("\n## `{name}`\n"));
        for (version, payload) in versions.iter().rev() {
            text.push_str(&format!(
                "\nVersion {version}:\n\n```json\n{payload}\n```\n"
            ));
        }
    }
    text
}

#[test]
fn the_list_of_events_is_that_of_the_golden_files() {
    let file = root().join("docs/events.md");
    let expected = events();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &expected).unwrap();
    }
    assert_eq!(
        read(&file),
        expected,
        "UPDATE_GOLDEN=1 writes docs/events.md again"
    );
}
