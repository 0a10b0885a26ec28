//! The lexical part of documents, by the edition of September 2025.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{TestApi, text};

/// String literals and their values.
const STRINGS: [(&str, &str); 14] = [
    (r#""\uD83D\uDE00""#, "😀"),
    (r#""\u{1F600}""#, "😀"),
    (r#""\u{41}\u{00e9}\u0042""#, "AéB"),
    (r#""\u{10FFFF}\u{E000}""#, "\u{10FFFF}\u{E000}"),
    (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
    (r#""""say \"""hi\""" and \n""""#, r#"say """hi""" and \n"#),
    (
        r#""""\u{41} \uD83D "quoted" ""done""""#,
        r#"\u{41} \uD83D "quoted" ""done"#,
    ),
    (
        "\"\"\"\n    first\n      second\n\n    third\n    \"\"\"",
        "first\n  second\n\nthird",
    ),
    ("\"\"\"\r\n\tfirst\r\tsecond\n\"\"\"", "first\nsecond"),
    ("\"\"\"one\n  two\n    three\"\"\"", "one\ntwo\n  three"),
    ("\"\"\"\"\"\"", ""),
    ("\"\"", ""),
    ("\"# no comment, { } ! $\"", "# no comment, { } ! $"),
    ("\"😀 é\"", "😀 é"),
];

/// What is no string, or no token at all.
const NO_STRINGS: [&str; 13] = [
    r#""\uD83D""#,
    r#""\uDE00\uD83D""#,
    r#""\uD83D\u0041""#,
    r#""\u{D83D}""#,
    r#""\u{110000}""#,
    r#""\u{}""#,
    r#""\u{41""#,
    r#""\u00""#,
    r#""\x""#,
    "\"one\ntwo\"",
    "\"open",
    "\"\"\"open\"\"",
    "'single'",
];

#[tokio::test]
async fn strings_are_what_the_specification_says_also_in_the_event() {
    let api = TestApi::start().await;
    let caller = api.caller(&[Role::Admin]);
    let created = caller
        .done("createCluster", json!({ "name": "blue" }))
        .await;
    let id = text(created["cluster"]["id"].clone());
    for (literal, value) in STRINGS {
        let document = format!(
            "mutation {{ describeCluster(input: {{ id: \"{id}\", description: {literal} }}) {{ \
             cluster {{ description }} userErrors {{ message }} }} }}"
        );
        let data = caller.data(&document, Value::Null).await;
        let payload = &data["describeCluster"];
        assert_eq!(
            payload["cluster"]["description"], value,
            "{literal}: {payload}"
        );
    }
    api.platform.settle().await;
    let document =
        "{ events(last: 30, filter: { types: [CLUSTER_DESCRIBED] }) { nodes { data } } }";
    let data = caller.data(document, Value::Null).await;
    let told = data["events"]["nodes"].as_array().expect("it is a list");
    let told: Vec<_> = told
        .iter()
        .map(|event| event["data"]["description"].clone())
        .collect();
    for (_, value) in STRINGS {
        assert!(told.contains(&json!(value)), "{value:?} in {told:?}");
    }
}

#[tokio::test]
async fn what_is_no_string_is_refused() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for literal in NO_STRINGS {
        let document = format!("{{ dropletByName(name: {literal}) {{ id }} }}");
        let response = viewer.response(&document, Value::Null).await;
        assert_eq!(response.get("data"), None, "{literal}");
        let code = &response["errors"][0]["extensions"]["code"];
        assert_eq!(*code, "GRAPHQL_PARSE_FAILED", "{literal}: {response}");
    }
}

#[tokio::test]
async fn ignored_tokens_may_stand_between_all_tokens() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let tokens = [
        "query",
        "Q",
        "(",
        "$",
        "n",
        ":",
        "Int",
        "!",
        "=",
        "0",
        ")",
        "{",
        "a",
        ":",
        "droplets",
        "(",
        "first",
        ":",
        "$",
        "n",
        "filter",
        ":",
        "{",
        "statuses",
        ":",
        "[",
        "ACTIVE",
        "FAILED",
        "]",
        "name",
        ":",
        "\"x\"",
        "}",
        ")",
        "@skip",
        "(",
        "if",
        ":",
        "false",
        ")",
        "{",
        "totalCount",
        "...",
        "F",
        "...",
        "on",
        "DropletConnection",
        "{",
        "__typename",
        "}",
        "}",
        "}",
        "fragment",
        "F",
        "on",
        "DropletConnection",
        "{",
        "nodes",
        "{",
        "id",
        "}",
        "}",
    ];
    let expected =
        json!({ "a": { "totalCount": 0, "nodes": [], "__typename": "DropletConnection" } });
    for between in [
        " ",
        ",",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\u{feff}",
        ", ,",
        "#\n",
        "# \"a\" { é 😀\r",
        " #a\r\n,\u{feff}",
    ] {
        let document = format!("{between}{}{between}", tokens.join(between));
        let data = viewer.data(&document, Value::Null).await;
        assert_eq!(data, expected, "{between:?}");
    }
    // None of them is needed around punctuation, and a comment may end the document.
    let document = "query Q($n:Int!=0){a:droplets(first:$n,filter:{statuses:[ACTIVE FAILED]name:\"x\"})@skip(if:false)\
        {totalCount...F...on DropletConnection{__typename}}}fragment F on DropletConnection{nodes{id}}#end";
    assert_eq!(viewer.data(document, Value::Null).await, expected);
}
