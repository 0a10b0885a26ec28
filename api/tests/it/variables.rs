//! Variables: their types are held against their places, and their values are coerced by the specification.

use std::sync::Arc;

use api::identity::roles::Role;
use api::transport::endpoint::WebSocketLimits;
use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::calling::TestApi;
use crate::serving::{Serving, token};

/// Variables that do not fit where they stand, whatever is sent.
const UNFIT: [&str; 17] = [
    "query ($v: DropletStatus!) { droplets(first: 1, filter: { statuses: $v }) { totalCount } }",
    "query ($v: Int) { droplets(first: 1, filter: { name: $v }) { totalCount } }",
    "query ($v: ID) { droplet(id: $v) { name } }",
    "query ($v: [DropletStatus]) { droplets(first: 1, filter: { statuses: $v }) { totalCount } }",
    "query ($v: DropletStatus) { droplets(first: 1, filter: { statuses: [$v] }) { totalCount } }",
    "query ($v: String) { droplets(first: 1, filter: { tags: [\"a\", $v] }) { totalCount } }",
    "query ($v: String) { droplet(id: \"x\", consistentWith: $v) { name @include(if: $v) } }",
    "query ($v: Boolean) { viewer { subject @skip(if: $v) } }",
    "query ($v: JobFilter) { droplets(first: 1, filter: $v) { totalCount } }",
    "query ($v: Droplet) { viewer { subject } droplet(id: $v) { name } }",
    "query ($v: [Int]) { droplets(first: $v) { totalCount } }",
    "query ($v: Nothing) { droplets(first: $v) { totalCount } }",
    "query ($v: Int, $v: Int) { droplets(first: $v) { totalCount } }",
    "query ($v: Int = \"x\") { droplets(first: $v) { totalCount } }",
    "query ($v: Int) { viewer { subject } }",
    "query ($v: Int) { ...F } fragment F on Query { droplets(first: $v, filter: { name: $w }) { totalCount } }",
    "query ($v: ID) { ...F } fragment F on Query { droplet(id: $v) { name } }",
];

#[tokio::test]
async fn a_variable_that_does_not_fit_its_place_is_refused_whatever_is_sent() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for document in UNFIT {
        for variables in [
            json!({}),
            json!({ "v": null }),
            json!({ "v": "x" }),
            json!({ "v": [] }),
        ] {
            let response = viewer.response(document, variables).await;
            assert_eq!(response.get("data"), None, "{document}");
            let code = &response["errors"][0]["extensions"]["code"];
            assert_eq!(*code, "GRAPHQL_VALIDATION_FAILED", "{document}");
        }
    }
    // So is one of an operation that does not run.
    let document = "query A { viewer { subject } } query B($v: ID) { droplet(id: $v) { name } }";
    let code = viewer.code(document, Value::Null).await;
    assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn a_variable_fits_where_it_or_its_place_has_a_default() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let id = "Droplet:01923f4a-8c00-7000-8000-000000000001";
    let document = format!("query ($v: ID = \"{id}\") {{ droplet(id: $v) {{ name }} }}");
    let data = viewer.data(&document, Value::Null).await;
    assert_eq!(data, json!({ "droplet": null }));
    // Null is no value for a place that must have one.
    let introspection =
        "query ($v: Boolean) { __schema { queryType { fields(includeDeprecated: $v) { name } } } }";
    for document in [&*document, introspection] {
        let response = viewer.response(document, json!({ "v": null })).await;
        let message = response["errors"][0]["message"].to_string();
        assert!(message.contains("is null by a variable"), "{response}");
    }
    for document in [
        "query ($v: [DropletStatus!]) { droplets(first: 0, filter: { statuses: $v }) { totalCount } }",
        "query ($v: DropletStatus!) { droplets(first: 0, filter: { statuses: [$v] }) { totalCount } }",
        "query ($v: DropletFilter) { droplets(first: 0, filter: $v) { totalCount } }",
    ] {
        let variables = if document.contains("Filter)") {
            json!({})
        } else {
            json!({ "v": "ACTIVE" })
        };
        let data = viewer.data(document, variables).await;
        assert_eq!(data["droplets"]["totalCount"], 0, "{document}");
    }
}

#[tokio::test]
async fn a_variable_that_was_left_out_leaves_its_place_to_the_default() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let submit = |variable: &str| {
        format!(
            "mutation ({variable}) {{ submitJob(input: {{ kind: \"x\", target: {{ droplet: \"{droplet}\" }}, \
             maxAttempts: $a }}) {{ job {{ maxAttempts parameters }} userErrors {{ code }} }} }}"
        )
    };
    for (variable, given, expected) in [
        ("$a: Int", json!({}), 1),
        ("$a: Int", json!({ "a": 2 }), 2),
        ("$a: Int = 3", json!({}), 3),
        ("$a: Int = 3", json!({ "a": 4 }), 4),
        ("$a: Int!", json!({ "a": 5 }), 5),
    ] {
        let data = agent.data(&submit(variable), given).await;
        let job = &data["submitJob"]["job"];
        assert_eq!(job["maxAttempts"], expected, "{variable}: {data}");
    }
    for variable in ["$a: Int", "$a: Int = 3", "$a: Int!"] {
        let response = agent
            .response(&submit(variable), json!({ "a": null }))
            .await;
        let code = &response["errors"][0]["extensions"]["code"];
        assert_eq!(*code, "BAD_USER_INPUT", "{variable}: {response}");
    }
    api.platform.settle().await;
    let data = agent
        .data("{ jobs(first: 0) { totalCount } }", Value::Null)
        .await;
    assert_eq!(data["jobs"]["totalCount"], 5);
}

#[tokio::test]
async fn a_list_and_an_argument_that_were_left_out_have_their_defaults_too() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let document = "mutation ($name: String!, $tags: [String!], $by: Provisioner) { \
        provisionDroplet(input: { name: $name, size: \"s-1vcpu-1gb\", region: \"nyc3\", \
        image: \"ubuntu-24-04-x64\", tags: $tags, provisioner: $by }) { \
        droplet { tags provisioner } userErrors { code } } }";
    let data = operator.data(document, json!({ "name": "web-1" })).await;
    let expected = json!({ "tags": [], "provisioner": "PLATFORM" });
    assert_eq!(data["provisionDroplet"]["droplet"], expected);
    // One item is a list of it.
    let given = json!({ "name": "web-2", "tags": "blue", "by": "AGENT" });
    let data = operator.data(document, given).await;
    let expected = json!({ "tags": ["blue"], "provisioner": "AGENT" });
    assert_eq!(data["provisionDroplet"]["droplet"], expected);
    let given = json!({ "name": "web-3", "tags": null });
    let response = operator.response(document, given).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT"
    );
    api.platform.settle().await;

    // A filter, a field of a filter and a page's cursor.
    let document = "query ($filter: DropletFilter, $name: String, $after: String, $last: Int) { \
        a: droplets(first: 9, filter: $filter, after: $after, last: $last) { totalCount } \
        b: droplets(first: 9, filter: { name: $name }) { totalCount } }";
    for given in [
        json!({}),
        json!({ "filter": null, "name": null, "after": null, "last": null }),
    ] {
        let data = operator.data(document, given).await;
        assert_eq!(data["a"]["totalCount"], 2);
        assert_eq!(data["b"]["totalCount"], 2);
    }
}

#[tokio::test]
async fn a_value_that_is_not_of_its_variables_type_is_a_request_error() {
    let api = TestApi::start().await;
    let serving = Serving::of(
        api.pipeline(),
        WebSocketLimits::default(),
        Arc::new(Semaphore::new(0)),
    )
    .await;
    let filtered = "query ($v: DropletFilter) { droplets(first: 1, filter: $v) { totalCount } }";
    let paged = "query ($v: Int!) { droplets(first: $v) { totalCount } }";
    let period =
        "query ($v: DateTime) { activity(first: 1, filter: { from: $v }) { nodes { kind } } }";
    for (document, value) in [
        (filtered, json!("x")),
        (filtered, json!(1)),
        (filtered, json!(true)),
        (filtered, json!([{}])),
        (filtered, json!({ "nothing": 1 })),
        (filtered, json!({ "name": 1 })),
        (filtered, json!({ "statuses": ["NOTHING"] })),
        (filtered, json!({ "statuses": [null] })),
        (paged, json!(1.5)),
        (paged, json!("1")),
        (paged, json!(null)),
        (paged, json!(3_000_000_000_i64)),
        (paged, json!({})),
        (period, json!("yesterday")),
        (period, json!(1)),
    ] {
        for (accept, status) in [
            ("application/graphql-response+json", StatusCode::BAD_REQUEST),
            ("application/json", StatusCode::OK),
        ] {
            let request = Client::new().post(serving.url("/graphql"));
            let request = request.bearer_auth(token()).header(ACCEPT, accept);
            let body = json!({ "query": document, "variables": { "v": value } });
            let response = request.json(&body).send().await.expect("it is answered");
            assert_eq!(response.status(), status, "{value}");
            let body: Value = response.json().await.expect("the body is JSON");
            assert_eq!(body.get("data"), None, "{value}: {body}");
            assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
        }
    }
}

#[tokio::test]
async fn json_is_stored_as_it_was_sent() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let submit = |variables: &str, parameters: &str| {
        format!(
            "mutation {variables} {{ submitJob(input: {{ kind: \"x\", target: {{ clusterLabel: \"c\" }}, \
             parameters: {parameters} }}) {{ job {{ parameters }} userErrors {{ code }} }} }}"
        )
    };
    let sent = json!({ "a": [1, -0.0, 1e16, 0.1, u64::MAX, i64::MIN, "é\u{1F600}", null, {}], "b": { "c": [[]] } });
    let data = agent
        .data(&submit("($p: JSON)", "$p"), json!({ "p": sent }))
        .await;
    assert_eq!(data["submitJob"]["job"]["parameters"], sent, "{data}");
    let literal =
        "{ a: [1, 1e16, 0.1, 18446744073709551615, null, {}, true, WORD], b: { c: [[]] } }";
    let data = agent.data(&submit("", literal), Value::Null).await;
    let read = json!({ "a": [1, 1e16, 0.1, u64::MAX, null, {}, true, "WORD"], "b": { "c": [[]] } });
    assert_eq!(data["submitJob"]["job"]["parameters"], read, "{data}");
    // The library that reads events would take these for other values.
    for reserved in [
        json!({ "$serde_json::private::RawValue": "{\"a\":1}" }),
        json!({ "a": [{ "$serde_json::private::RawValue": "[1]" }] }),
        json!({ "!": 1, "$serde_json::private::RawValue": "x" }),
    ] {
        let data = agent
            .data(&submit("($p: JSON)", "$p"), json!({ "p": reserved }))
            .await;
        let code = &data["submitJob"]["userErrors"][0]["code"];
        assert_eq!(*code, "RESERVED_NAME", "{data}");
    }
    let long = submit("", &format!("{{ a: 1{} }}", "0".repeat(400)));
    assert_eq!(
        agent.code(&long, Value::Null).await,
        "GRAPHQL_VALIDATION_FAILED"
    );
}
