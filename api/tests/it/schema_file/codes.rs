//! The set of error codes is closed, and the page for frontends knows all of it.

use api::error::Code;

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
