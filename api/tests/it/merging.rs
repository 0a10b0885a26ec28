//! Fields with one response name are one field: they are merged and run once, or refused before anything runs.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{Caller, TestApi, text};

const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";

/// Returns the number of all jobs, once the read models show all that was written.
async fn jobs(api: &TestApi, caller: &Caller) -> Value {
    api.platform.settle().await;
    let document = "{ jobs(first: 0) { totalCount } }";
    caller.data(document, Value::Null).await["jobs"]["totalCount"].take()
}

async fn droplets(api: &TestApi, caller: &Caller) -> Value {
    api.platform.settle().await;
    let document = "{ droplets(first: 0) { totalCount } }";
    caller.data(document, Value::Null).await["droplets"]["totalCount"].take()
}

#[tokio::test]
async fn a_mutation_that_stands_twice_runs_once_and_answers_all_its_fields() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let input = json!({ "kind": "batch", "target": { "droplet": droplet }, "runner": "AGENT" });
    let document = "mutation ($i: SubmitJobInput!) { submitJob(input: $i) { job { id } } \
        submitJob(input: $i) { job { kind } consistencyToken } ... { submitJob(input: $i) { job { status } } } }";
    let data = agent.data(document, json!({ "i": input })).await;
    let payload = &data["submitJob"];
    assert_eq!(payload["job"]["kind"], "batch");
    assert_eq!(payload["job"]["status"], "SUBMITTED");
    assert!(payload["job"]["id"].is_string() && payload["consistencyToken"].is_string());
    assert_eq!(jobs(&api, &agent).await, 1);
    // Under two response names there are two mutations.
    let document = "mutation ($i: SubmitJobInput!) { a: submitJob(input: $i) { job { id } } \
        b: submitJob(input: $i) { job { id } } }";
    let data = agent.data(document, json!({ "i": input })).await;
    assert_ne!(data["a"]["job"]["id"], data["b"]["job"]["id"]);
    assert_eq!(jobs(&api, &agent).await, 3);
}

#[tokio::test]
async fn fragments_that_select_the_same_aliased_mutation_run_it_once() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let document = "mutation ($i: ProvisionDropletInput!) { a: provisionDroplet(input: $i) { userErrors { code } } \
        ...M ...N ...M } \
        fragment M on Mutation { a: provisionDroplet(input: $i) { droplet { name } consistencyToken } } \
        fragment N on Mutation { ... on Mutation { a: provisionDroplet(input: $i) { droplet { status ...D } } } } \
        fragment D on Droplet { regionSlug }";
    let input = json!({
        "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
    });
    let data = operator.data(document, json!({ "i": input })).await;
    assert_eq!(data["a"]["userErrors"], json!([]));
    assert_eq!(
        data["a"]["droplet"],
        json!({ "name": "web-1", "status": "REQUESTED", "regionSlug": "nyc3" })
    );
    assert!(data["a"]["consistencyToken"].is_string());
    assert_eq!(droplets(&api, &operator).await, 1);
}

#[tokio::test]
async fn mutations_that_cannot_be_merged_are_refused_before_any_runs() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let submit = |kind: &str| {
        format!(
            "submitJob(input: {{ kind: \"{kind}\", target: {{ droplet: \"{droplet}\" }} }}) {{ job {{ id }} }}"
        )
    };
    let (one, other) = (submit("one"), submit("other"));
    for document in [
        format!("mutation {{ {one} {other} }}"),
        format!("mutation {{ a: {one} a: {other} }}"),
        format!("mutation {{ a: {one} ...M }} fragment M on Mutation {{ a: {other} }}"),
        format!(
            "mutation {{ a: {one} a: protectDroplet(input: {{ id: \"{droplet}\" }}) {{ userErrors {{ code }} }} }}"
        ),
        // One of them would not even run.
        format!("mutation {{ a: {one} ... @include(if: false) {{ a: {other} }} }}"),
        "mutation ($i: SubmitJobInput!, $j: SubmitJobInput!) { \
         submitJob(input: $i) { job { id } } submitJob(input: $j) { job { id } } }"
            .to_owned(),
    ] {
        let code = agent.code(&document, Value::Null).await;
        assert_eq!(code, INVALID, "{document}");
    }
    assert_eq!(jobs(&api, &agent).await, 0);
}

#[tokio::test]
async fn merged_mutations_have_one_idempotency_key() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let input = json!({ "kind": "batch", "target": { "droplet": droplet }, "runner": "AGENT" });
    let document = |one: &str, other: &str| {
        format!(
            "mutation ($i: SubmitJobInput!) {{ submitJob(input: $i) {one} {{ job {{ id }} }} \
             submitJob(input: $i) {other} {{ job {{ kind }} }} }}"
        )
    };
    let (key, other) = ("@idempotent(key: \"a\")", "@idempotent(key: \"b\")");
    let two_keys = document(key, other);
    let code = agent.code(&two_keys, json!({ "i": input })).await;
    assert_eq!(code, INVALID);
    for document in [document(key, key), document("", key), document(key, "")] {
        agent.data(&document, json!({ "i": input })).await;
    }
    assert_eq!(jobs(&api, &agent).await, 1);
}

#[tokio::test]
async fn selections_are_merged_at_every_level() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let job = agent.job(&droplet).await;
    api.platform.settle().await;
    let document = "query ($d: ID!, $j: ID!) { \
        droplets(first: 1) { nodes { name ...A } } \
        ... on Query { droplets(first: 1) { totalCount nodes { jobs(first: 1) { nodes { kind } } } } } \
        droplets(first: 1) { nodes { jobs(first: 1) { totalCount nodes { status } } } } \
        node(id: $j) { ... on Job { kind } ... on Node { id } ... on Droplet { name } ... on Job { droplet { name } } } \
        node(id: $j) { __typename ... on Job { droplet { ...A } } } \
        droplet(id: $d) { x: name ... on Droplet { x: name } } } \
        fragment A on Droplet { regionSlug name }";
    let data = agent
        .data(document, json!({ "d": droplet, "j": job }))
        .await;
    assert_eq!(
        data,
        json!({
            "droplets": {
                "nodes": [{
                    "name": "web-1", "regionSlug": "nyc3",
                    "jobs": { "nodes": [{ "kind": "batch", "status": "SUBMITTED" }], "totalCount": 1 },
                }],
                "totalCount": 1,
            },
            "node": {
                "kind": "batch", "id": job, "droplet": { "name": "web-1", "regionSlug": "nyc3" },
                "__typename": "Job",
            },
            "droplet": { "x": "web-1" },
        })
    );
}

#[tokio::test]
async fn one_response_name_for_two_values_is_refused_at_every_level() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let id = "Droplet:01923f4a-8c00-7000-8000-000000000001";
    for document in [
        "{ droplets(first: 1) { nodes { x: name } } droplets(first: 1) { nodes { x: status } } }",
        "query ($d: ID!) { droplet(id: $d) { x: name ... on Droplet { x: status } } }",
        "query ($d: ID!) { droplet(id: $d) { ...A ...B } } \
         fragment A on Droplet { x: name } fragment B on Droplet { x: regionSlug }",
        "query ($d: ID!) { node(id: $d) { ... on Droplet { x: name } ... on Job { x: maxAttempts } } }",
        "query ($d: ID!) { node(id: $d) { ... on Droplet { x: name } ... on Job { x: message } } }",
        "query ($d: ID!) { node(id: $d) { ... on Droplet { x: tags } ... on Cluster { x: name } } }",
        "query ($d: ID!) { node(id: $d) { ... on Droplet { x: cluster { y: name } } \
         ... on Job { x: droplet { y: version } } } }",
        "{ droplets(first: 1) { totalCount } droplets(first: 2) { totalCount } }",
        "query ($d: ID!) { droplet(id: $d) { jobs(first: 1) { totalCount } jobs(last: 1) { totalCount } } }",
        "{ droplets(first: 1) { nodes { jobs(first: 1) { totalCount } } } \
         droplets(first: 1) { nodes { jobs(first: 1, filter: { statuses: [] }) { totalCount } } } }",
    ] {
        let response = viewer.response(document, json!({ "d": id })).await;
        assert_eq!(response.get("data"), None, "{document}");
        let code = text(response["errors"][0]["extensions"]["code"].clone());
        assert_eq!(code, INVALID, "{document}");
    }
    // The same name for the same value of different types is allowed.
    let document =
        "query ($d: ID!) { node(id: $d) { ... on Droplet { x: name } ... on Job { x: kind } } }";
    let data = viewer.data(document, json!({ "d": id })).await;
    assert_eq!(data["node"], Value::Null);
}
