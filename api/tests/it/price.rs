//! What a request costs is what it runs: fields that stand often run once, and what is read is priced.

use std::fmt::Write;

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{Caller, TestApi};

async fn cost(caller: &Caller, document: &str) -> u64 {
    let response = caller.response(document, Value::Null).await;
    assert_eq!(response.get("errors"), None, "{response}");
    let cost = response["extensions"]["cost"]["requested"].as_u64();
    cost.expect("every answer tells its cost")
}

/// The limit over which a document is, and the number found.
async fn limit(caller: &Caller, document: &str, variables: Value) -> (Value, u64) {
    let response = caller.response(document, variables).await;
    assert_eq!(response.get("data"), None, "{document}");
    let extensions = &response["errors"][0]["extensions"];
    let found = extensions["found"].as_u64();
    (extensions["limit"].clone(), found.unwrap_or_default())
}

#[tokio::test]
async fn a_field_that_stands_often_costs_as_if_it_stood_once() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for (before, field, after) in [
        ("{ droplets(first: 1) {", " totalCount", "} }"),
        ("{ platform {", " position", "} }"),
        (
            "{ droplets(first: 1) { ...F",
            "",
            "} } fragment F on DropletConnection { totalCount totalCount }",
        ),
    ] {
        let once = cost(&viewer, &format!("{before}{field}{after}")).await;
        let often = format!("{before}{}{after}", field.repeat(1_900));
        let often = cost(&viewer, &often).await;
        assert_eq!(often, once, "{field}");
    }
}

#[tokio::test]
async fn every_statement_is_priced_and_so_bounded() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for (before, field, after, price) in [
        ("{ droplets(first: 1) {", "totalCount", "} }", 50),
        ("{ platform {", "position", "} }", 2),
        ("{ platform {", "projections { lagEvents }", "} }", 50),
    ] {
        let aliased = |number: usize| {
            let mut document = before.to_owned();
            for alias in 0..number {
                write!(document, " a{alias}: {field}").expect("texts take everything");
            }
            document + after
        };
        let one = cost(&viewer, &aliased(1)).await;
        let two = cost(&viewer, &aliased(2)).await;
        assert!(one >= price && two >= one + price, "{field}: {one}, {two}");
        if price < 50 {
            continue;
        }
        let (limit, found) = limit(&viewer, &aliased(30), Value::Null).await;
        assert_eq!(limit, "cost", "{field}");
        assert!(found > 1_000);
    }
}

#[tokio::test]
async fn long_values_are_priced_and_bounded_before_anything_is_read() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let parameters = json!({ "a": vec![0; 8_000] });
    let input = json!({
        "kind": "batch", "target": { "droplet": droplet }, "runner": "AGENT", "parameters": parameters,
    });
    agent.done("submitJob", input).await;
    api.platform.settle().await;

    let small = cost(&agent, "{ jobs(first: 10) { nodes { kind } } }").await;
    let long = cost(&agent, "{ jobs(first: 10) { nodes { kind parameters } } }").await;
    assert!(long >= small + 10 * 4, "{small}, {long}");
    let data = agent
        .data("{ jobs(first: 10) { nodes { parameters } } }", Value::Null)
        .await;
    assert_eq!(data["jobs"]["nodes"][0]["parameters"], parameters);

    // Nine pages of 100 jobs, each with its parameters 21 times.
    let mut document = String::from("{");
    for page in 0..9 {
        write!(
            document,
            " p{page}: jobs(first: 100) {{ nodes {{ ...F }} }}"
        )
        .expect("texts take everything");
    }
    document += " } fragment F on Job {";
    for copy in 0..21 {
        write!(document, " c{copy}: parameters").expect("texts take everything");
    }
    document += " }";
    let (limit_of_many, found) = limit(&agent, &document, Value::Null).await;
    assert_eq!(limit_of_many, "cost");
    assert!(found > 9 * 100 * 21 * 4);
    // So are pages whose size is a variable.
    let document =
        "query ($n: Int!) { jobs(first: $n) { nodes { a: parameters b: parameters c: result } } }";
    let (limit_of_page, _) = limit(&agent, document, json!({ "n": 100 })).await;
    assert_eq!(limit_of_page, "cost");
    let data = agent.data(document, json!({ "n": 10 })).await;
    assert_eq!(data["jobs"]["nodes"][0]["b"], parameters);
}

#[tokio::test]
async fn objects_that_are_read_by_their_ids_cost_as_those_of_a_page() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let below = "jobs(first: 0) { totalCount }";
    let id = "Droplet:01923f4a-8c00-7000-8000-000000000001";
    let by_ids =
        format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Droplet {{ {below} }} }} }}");
    let page = format!("{{ droplets(first: 100) {{ nodes {{ {below} }} }} }}");
    let (limit_of_page, of_page) = limit(&viewer, &page, Value::Null).await;
    let ids = json!({ "ids": vec![id; 100] });
    let (limit_of_ids, of_ids) = limit(&viewer, &by_ids, ids).await;
    assert_eq!(
        (limit_of_page, limit_of_ids),
        (json!("cost"), json!("cost"))
    );
    assert_eq!(of_ids, of_page);
    // What they hold is bounded too.
    let long = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Droplet { jobs(first: 100) { nodes { result } } } } }";
    let (limit_of_long, found) = limit(&viewer, long, json!({ "ids": vec![id; 100] })).await;
    assert_eq!(limit_of_long, "cost");
    assert!(found > 100 * 100, "{found}");
}
