//! Queries over read models: nodes, lists, pages, counts.

use api::identity::roles::Role;
use serde_json::{Value, json};
use testkit::events::record_newer;

use crate::calling::{Caller, TestApi, text};

async fn names(caller: &Caller, arguments: &str) -> Value {
    let document = format!(
        "{{ droplets({arguments}) {{ nodes {{ name }} pageInfo {{ hasNextPage hasPreviousPage \
         startCursor endCursor }} }} }}"
    );
    let mut data = caller.data(&document, Value::Null).await;
    let droplets = &mut data["droplets"];
    let nodes = droplets["nodes"].as_array().into_iter().flatten();
    let names: Vec<_> = nodes.map(|node| node["name"].clone()).collect();
    json!({ "names": names, "page": droplets["pageInfo"].take() })
}

#[tokio::test]
async fn a_node_is_found_by_its_id() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let droplet = operator.droplet("web-1").await;
    let job = operator.job(&droplet).await;
    api.platform.settle().await;
    let document = "query ($d: ID!, $j: ID!) { \
        droplet: node(id: $d) { __typename id ... on Droplet { name priceMonthly { micros currency \
        display } } } \
        job: node(id: $j) { __typename id ... on Job { dropletId kind } } \
        nothing: node(id: \"Job:01923f4a-8c00-7000-8000-000000000001\") { id } }";
    let data = operator
        .data(document, json!({ "d": droplet, "j": job }))
        .await;
    assert_eq!(
        data,
        json!({
            "droplet": {
                "__typename": "Droplet", "id": droplet, "name": "web-1",
                "priceMonthly": { "micros": "6000000", "currency": "USD", "display": "$6.00" },
            },
            "job": { "__typename": "Job", "id": job, "dropletId": droplet, "kind": "batch" },
            "nothing": null,
        })
    );
    let code = operator
        .code("{ node(id: \"web-1\") { id } }", Value::Null)
        .await;
    assert_eq!(code, "BAD_USER_INPUT");
}

#[tokio::test]
async fn pages_go_both_ways_and_stay_stable_under_inserts() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    for name in ["b", "d", "f"] {
        operator.droplet(name).await;
    }
    api.platform.settle().await;
    let by_name = "orderBy: { field: NAME, direction: ASCENDING }";
    let first = names(&operator, &format!("first: 2, {by_name}")).await;
    assert_eq!(first["names"], json!(["b", "d"]));
    assert_eq!(first["page"]["hasNextPage"], true);
    assert_eq!(first["page"]["hasPreviousPage"], false);
    let end = text(first["page"]["endCursor"].clone());

    for name in ["a", "c", "e"] {
        operator.droplet(name).await;
    }
    api.platform.settle().await;
    let after = format!("first: 2, after: \"{end}\", {by_name}");
    let next = names(&operator, &after).await;
    assert_eq!(next["names"], json!(["e", "f"]));
    assert_eq!(next["page"]["hasNextPage"], false);
    let last = names(&operator, &format!("last: 2, before: \"{end}\", {by_name}")).await;
    assert_eq!(last["names"], json!(["b", "c"]));
    assert_eq!(last["page"]["hasPreviousPage"], true);
}

#[tokio::test]
async fn a_page_has_a_size_and_a_cursor_belongs_to_its_order() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    operator.droplet("web-1").await;
    api.platform.settle().await;
    let document = |arguments: &str| format!("{{ droplets({arguments}) {{ totalCount }} }}");
    for bad in ["", "first: 101", "first: 1, last: 1", "last: -1"] {
        let document = if bad.is_empty() {
            "{ droplets { totalCount } }".to_owned()
        } else {
            document(bad)
        };
        let code = operator.code(&document, Value::Null).await;
        assert_eq!(code, "BAD_USER_INPUT", "{bad}");
    }
    let first = names(&operator, "first: 1").await;
    let cursor = text(first["page"]["endCursor"].clone());
    let by_name = "orderBy: { field: NAME, direction: ASCENDING }";
    for bad in [
        "first: 1, after: \"x\"".to_owned(),
        format!("first: 1, after: \"{cursor}\", {by_name}"),
    ] {
        let code = operator.code(&document(&bad), Value::Null).await;
        assert_eq!(code, "INVALID_CURSOR", "{bad}");
    }
}

#[tokio::test]
async fn lists_are_filtered() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let first = agent.droplet("web-1").await;
    let second = agent.droplet("web-2").await;
    agent.droplet("db-1").await;
    let tag = json!({ "id": first, "tag": "env:prod" });
    agent.done("tagDroplet", tag).await;
    agent.done("deleteDroplet", json!({ "id": second })).await;
    agent
        .done("reportDropletDeleted", json!({ "id": second }))
        .await;
    let job = agent.job(&first).await;
    agent
        .done("startJob", json!({ "id": job, "worker": "w" }))
        .await;
    api.platform.settle().await;
    let by_name = "first: 9, orderBy: { field: NAME, direction: ASCENDING }";
    for (filter, expected) in [
        ("{}", json!(["db-1", "web-1"])),
        ("{ name: \"WEB\" }", json!(["web-1"])),
        ("{ tags: [\"env:prod\"] }", json!(["web-1"])),
        ("{ statuses: [DELETED] }", json!(["web-2"])),
        (
            "{ statuses: [DELETED, REQUESTED], name: \"2\" }",
            json!(["web-2"]),
        ),
        (
            "{ regions: [\"nyc3\"], sizes: [\"s-1vcpu-1gb\"] }",
            json!(["db-1", "web-1"]),
        ),
        ("{ regions: [\"fra1\"] }", json!([])),
    ] {
        let found = names(&agent, &format!("{by_name}, filter: {filter}")).await;
        assert_eq!(found["names"], expected, "{filter}");
    }
    let document = "query ($filter: JobFilter) { jobs(first: 9, filter: $filter) { totalCount \
                    nodes { id } } }";
    for (filter, total) in [
        (json!({}), 1),
        (
            json!({ "droplet": first, "statuses": ["RUNNING"], "runner": "AGENT" }),
            1,
        ),
        (json!({ "droplet": second }), 0),
        (json!({ "kinds": ["provision"] }), 0),
    ] {
        let data = agent.data(document, json!({ "filter": filter })).await;
        assert_eq!(data["jobs"]["totalCount"], total, "{filter}");
    }
    for bad in [
        "{ droplets(first: 1, filter: { tags: [\"a b\"] }) { totalCount } }",
        "{ droplets(first: 1, filter: { name: \"\\u0000\" }) { totalCount } }",
        "{ jobs(first: 1, filter: { droplet: \"x\" }) { totalCount } }",
    ] {
        assert_eq!(
            agent.code(bad, Value::Null).await,
            "BAD_USER_INPUT",
            "{bad}"
        );
    }
}

#[tokio::test]
async fn counts_and_history_tell_the_same() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent, Role::Auditor]);
    let droplet = agent.droplet("web-1").await;
    agent
        .done("reportDropletActive", json!({ "id": droplet }))
        .await;
    agent.job(&droplet).await;
    let head = api.platform.settle().await;

    let data = agent
        .data(
            "{ counts { dropletsByStatus { status count } dropletsBySize { size count } \
             dropletsByRegion { region count } jobsByStatus { status count } \
             jobsByKind { kind count } } \
             events(first: 9) { nodes { position type version resourceId actor source data \
             schemaVersion } } \
             activity(first: 9) { nodes { kind resourceName actor summary } } \
             platform { version position projections { name lagEvents parkedStreams } \
             parts { name ready reason } } }",
            Value::Null,
        )
        .await;
    let statuses = data["counts"]["dropletsByStatus"].as_array().unwrap();
    assert_eq!(statuses.len(), 5);
    assert!(statuses.contains(&json!({ "status": "ACTIVE", "count": 1 })));
    assert_eq!(
        data["counts"]["jobsByKind"],
        json!([{ "kind": "batch", "count": 1 }])
    );
    let events = data["events"]["nodes"].as_array().unwrap();
    let types: Vec<_> = events.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(
        types,
        ["DROPLET_REQUESTED", "DROPLET_ACTIVATED", "JOB_SUBMITTED"]
    );
    assert_eq!(events[1]["resourceId"], json!(droplet));
    assert_eq!(events[1]["data"], json!({ "addresses": [] }));
    assert_eq!(events[1]["version"], "2");
    assert_eq!(events[1]["actor"], "ada");
    assert_eq!(events[1]["source"], "API");
    let lines = data["activity"]["nodes"].as_array().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["kind"], "JOB_SUBMITTED");
    assert_eq!(lines[1]["resourceName"], "web-1");

    let platform = &data["platform"];
    assert_eq!(platform["position"], head.0.to_string());
    assert_eq!(platform["projections"].as_array().unwrap().len(), 5);
    assert_eq!(platform["projections"][0]["lagEvents"], "0");
    assert_eq!(
        platform["parts"],
        json!([
            { "name": "postgres", "ready": true, "reason": null },
            { "name": "relay", "ready": false, "reason": "it is starting" },
        ])
    );
}

#[tokio::test]
async fn an_event_of_a_type_that_only_a_newer_program_knows_hides_no_other() {
    let api = TestApi::start().await;
    let auditor = api.caller(&[Role::Agent, Role::Auditor]);
    let droplet = auditor.droplet("web-1").await;
    let newer = record_newer(&api.platform.pool(), "acme", 700, "thing_made").await;
    auditor
        .done("reportDropletActive", json!({ "id": droplet }))
        .await;
    api.platform.settle().await;
    let data = auditor
        .data(
            "{ events(first: 9) { nodes { type typeName resourceType resourceId data } } }",
            Value::Null,
        )
        .await;
    let nodes = data["events"]["nodes"].as_array().expect("it is a list");
    assert_eq!(nodes.len(), 3);
    let made = nodes.iter().find(|node| node["typeName"] == "thing_made");
    assert_eq!(
        made,
        Some(&json!({
            "type": null, "typeName": "thing_made", "resourceType": null,
            "resourceId": format!("type-700:{}", newer.uuid), "data": { "tag": "new" },
        }))
    );
}

#[tokio::test]
async fn what_does_not_fit_the_schema_has_a_code() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for (document, code) in [
        ("{ droplets(", "GRAPHQL_PARSE_FAILED"),
        ("{ dropletz }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ catalogue @defer { date } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ activity(first: 1, filter: { from: \"yesterday\" }) { nodes { kind } } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        assert_eq!(viewer.code(document, Value::Null).await, code, "{document}");
    }
}
