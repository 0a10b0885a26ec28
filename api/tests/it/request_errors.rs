//! Request errors: each once, in one line, with its place, and without the text of the document.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{TestApi, code_of};

/// What no error may repeat.
const SECRET: &str = "s3cret";

/// Documents that are refused, with the number of their errors.
const REFUSED: [(&str, usize); 20] = [
    ("{ dropletByName(name: \"s3cret) { id } }", 1),
    ("{ dropletByName(name: \"s3cret\"", 1),
    ("{ dropletByName(name: \"s3cret\" { id } }", 1),
    ("{ dropletByName(name: \"s3cret\\q\") { id } }", 1),
    ("{ dropletByName(name: \"\"\"s3cret) { id } }", 1),
    (
        "mutation { tagDroplet(input: { id: \"x\" tag: \"s3cret\" ) { userErrors { code } } }",
        1,
    ),
    ("{ a ? \"s3cret\" }", 1),
    ("", 1),
    ("{ }", 1),
    ("{ nothing }", 1),
    ("{ nothing other }", 2),
    ("{ viewer { nothing } }", 1),
    (
        "{ droplets(first: 1) { nodes { ...F } } } fragment F on Droplet { nothing }",
        1,
    ),
    (
        "{ droplets(first: 1) { ... on DropletConnection { nothing } } }",
        1,
    ),
    ("{ viewer { nothing } platform }", 2),
    ("{ droplets(first: \"s3cret\") { totalCount } }", 1),
    (
        "{ droplets(first: 1, filter: { name: 1 }) { totalCount } }",
        1,
    ),
    ("{ ...F ...F } fragment F on Query { nothing }", 1),
    (
        "query A { ...F } query B { ...F } fragment F on Query { droplets(first: 1, filter: { x: \"s3cret\" }) { totalCount } }",
        1,
    ),
    ("{ viewer { subject } droplets(first: 1) }", 1),
];

#[tokio::test]
async fn an_error_comes_once_in_one_line_and_quotes_no_string() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for (document, expected) in REFUSED {
        let response = viewer.response(document, Value::Null).await;
        assert_eq!(response.get("data"), None, "{document}");
        let errors = response["errors"].as_array().expect("there are errors");
        assert_eq!(errors.len(), expected, "{document}: {response}");
        for (number, error) in errors.iter().enumerate() {
            let message = error["message"].as_str().expect("an error has a message");
            assert!(
                !message.is_empty() && !message.contains(['\n', '\r']),
                "{message}"
            );
            assert!(!errors[..number].contains(error), "twice: {error}");
        }
        assert!(!response.to_string().contains(SECRET), "{response}");
    }
}

#[tokio::test]
async fn errors_are_bounded() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let numbers: String = (0..900)
        .map(|number| format!("1e{} ", 1_000 + number))
        .collect();
    let undefined: String = (0..600).map(|number| format!("$a{number} ")).collect();
    let twice = "a: 1 ".repeat(400);
    for value in [
        format!("[{numbers}]"),
        format!("[{undefined}]"),
        format!("{{ {twice} }}"),
    ] {
        let document = format!(
            "mutation {{ succeedJob(input: {{ id: \"x\", result: {value} }}) {{ job {{ id }} }} }}"
        );
        let response = agent.response(&document, Value::Null).await;
        let errors = response["errors"].as_array().expect("there are errors");
        assert!((1..=20).contains(&errors.len()), "{}", errors.len());
    }
}

#[tokio::test]
async fn an_argument_of_another_type_is_not_called_null() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let document = "{ node(id: 99999999999999999999999999) { id } }";
    let response = viewer.response(document, Value::Null).await;
    let message = response["errors"][0]["message"].as_str();
    let message = message.expect("an error has a message");
    assert!(
        !message.contains("null") && !message.contains("999"),
        "{message}"
    );
}

#[tokio::test]
async fn an_error_in_a_document_has_its_place() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for (document, line, column) in [
        ("{\n  viewer { subject }\n  nothing\n}", 3, 3),
        ("{\n  viewer {\n    subject\n  ?", 4, 3),
        ("# a\r\n{ viewer { subject nothing } }", 2, 20),
        ("{ droplets(first: true) { totalCount } }", 1, 19),
    ] {
        let response = viewer.response(document, Value::Null).await;
        let place = &response["errors"][0]["locations"][0];
        assert_eq!(place["line"], line, "{document}: {response}");
        assert_eq!(place["column"], column, "{document}: {response}");
    }
}

#[tokio::test]
async fn an_error_in_a_variable_does_not_repeat_its_value() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let filtered = "query ($v: DropletFilter) { droplets(first: 1, filter: $v) { totalCount } }";
    for (document, value) in [
        (
            "query ($v: Int) { droplets(first: $v) { totalCount } }",
            json!("s3cret: to type x"),
        ),
        (filtered, json!("s3cret")),
        (filtered, json!(["s3cret"])),
        (filtered, json!({ "statuses": ["ACTIVE", "s3cret"] })),
        (filtered, json!({ "name": { "a": "s3cret" } })),
        (
            "query ($v: DateTime) { activity(first: 1, filter: { from: $v }) { nodes { kind } } }",
            json!("s3cret"),
        ),
    ] {
        let response = viewer.response(document, json!({ "v": value })).await;
        assert_eq!(code_of(&response), "BAD_USER_INPUT");
        let message = response["errors"][0]["message"].as_str();
        let message = message.expect("an error has a message");
        assert!(message.len() < 120 && !message.contains('\n'), "{message}");
        assert!(!response.to_string().contains(SECRET), "{response}");
    }
}

#[tokio::test]
async fn no_error_hides_another() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    // Each of the first is an error of the library alone, because the field stands there twice under one name.
    let mut document: String = (0..25)
        .map(|number| {
            format!("subscription S{number} {{ eventRecorded {{ cursor }} eventRecorded {{ cursor }} }} ")
        })
        .collect();
    document += "query Q { nothing viewer { subject } }";
    let response = viewer.response(&document, Value::Null).await;
    assert_eq!(response.get("data"), None);
    assert_eq!(code_of(&response), "GRAPHQL_VALIDATION_FAILED");
    let message = response["errors"][0]["message"].as_str();
    assert!(
        message.is_some_and(|message| message.contains("nothing")),
        "{response}"
    );
}

#[tokio::test]
async fn a_number_that_cannot_be_held_is_refused() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let document = "mutation { submitJob(input: { kind: \"batch\", target: { clusterLabel: \"blue\" }, \
        parameters: { deep: [1e400] } }) { job { id } } }";
    let response = operator.response(document, Value::Null).await;
    assert_eq!(code_of(&response), "GRAPHQL_VALIDATION_FAILED");
    let zero = operator
        .data("{ droplets(first: -0) { totalCount } }", Value::Null)
        .await;
    assert_eq!(zero["droplets"]["totalCount"], 0);
}
