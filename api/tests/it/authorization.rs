//! Who may do what, and whose things they see.

use api::identity::roles::Role;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::calling::{TestApi, code_of};

const QUERY: &str = "{ droplets(first: 1) { totalCount } jobs(first: 1) { totalCount } \
                     activity(first: 1) { nodes { kind } } counts { jobsByKind { count } } \
                     catalogue { date } platform { version } }";
const EVENTS: &str = "{ events(first: 1) { nodes { type } } }";
const COMMANDS: &str = "{ commands(first: 1) { nodes { name } } }";
const COMMAND: &str = "mutation { protectDroplet(input: { id: \"x\" }) { consistencyToken } }";
const REPORT: &str = "mutation { reportDropletDeleted(input: { id: \"x\" }) { consistencyToken } }";

#[tokio::test]
async fn each_role_passes_where_it_may() {
    use Role::{Admin, Agent, Analyst, Auditor, Operator, Viewer};
    let api = TestApi::start().await;
    for (document, allowed) in [
        (QUERY, &Role::ALL[..]),
        (EVENTS, &[Admin, Operator, Auditor]),
        (COMMANDS, &[Admin, Auditor]),
        (COMMAND, &[Admin, Operator, Agent]),
        (REPORT, &[Admin, Agent]),
    ] {
        for role in [Admin, Operator, Viewer, Auditor, Analyst, Agent] {
            let response = api.caller(&[role]).response(document, Value::Null).await;
            if allowed.contains(&role) {
                assert_eq!(response.get("errors"), None, "{role:?} {document}");
            } else {
                assert_eq!(code_of(&response), "FORBIDDEN", "{role:?} {document}");
            }
        }
    }
}

#[tokio::test]
async fn whoever_may_not_read_the_history_gets_no_stored_data_of_changes() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let listed = agent
        .data("{ droplets(first: 0) { asOf } }", Value::Null)
        .await;
    let start = &listed["droplets"]["asOf"];
    agent.droplet("web-1").await;
    let follow = |fields: &str| {
        format!(
            "subscription {{ dropletChanged(after: {start}) {{ event {{ {fields} }} droplet {{ name }} }} }}"
        )
    };
    for role in [Role::Viewer, Role::Agent] {
        let caller = api.caller(&[role]);
        for secret in [
            "data",
            "source",
            "commandId",
            "correlationId",
            "causationId",
        ] {
            let payload = caller.subscribe(&follow(secret), Value::Null).next().await;
            let payload = payload.expect("there is a change");
            assert_eq!(code_of(&payload), "FORBIDDEN", "{role:?} {secret}");
            assert_eq!(
                payload["data"]["dropletChanged"]["event"][secret],
                Value::Null
            );
        }
        let payload = caller
            .subscribe(&follow("type actor occurredAt"), Value::Null)
            .next()
            .await;
        let payload = payload.expect("there is a change");
        assert_eq!(
            payload["data"]["dropletChanged"]["event"]["type"],
            "DROPLET_REQUESTED"
        );
    }
    let auditor = api.caller(&[Role::Auditor]);
    let payload = auditor.subscribe(&follow("data"), Value::Null).next().await;
    let payload = payload.expect("there is a change");
    assert_eq!(
        payload["data"]["dropletChanged"]["event"]["data"]["name"],
        "web-1"
    );
}

#[tokio::test]
async fn a_refusal_names_the_role_that_would_do() {
    let api = TestApi::start().await;
    let response = api
        .caller(&[Role::Viewer])
        .response(COMMAND, Value::Null)
        .await;
    assert_eq!(
        response["errors"][0]["message"],
        "`protectDroplet` needs the role admin, operator or agent: ask for a token that has it"
    );
}

#[tokio::test]
async fn without_a_token_nothing_is_answered() {
    let api = TestApi::start().await;
    for document in ["{ catalogue { date } }", COMMAND] {
        let response = api.anonymous(document).await;
        assert_eq!(code_of(&response), "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn an_organization_sees_its_own_only() {
    let api = TestApi::start().await;
    let ours = api.caller(&[Role::Admin]);
    let theirs = api.caller_of("globex", &[Role::Admin]);
    let droplet = ours.droplet("web-1").await;
    let job = ours.job(&droplet).await;
    api.platform.settle().await;

    let document = "query ($droplet: ID!, $job: ID!) { \
        node(id: $droplet) { id } droplet(id: $droplet) { id } job(id: $job) { id } \
        droplets(first: 9) { totalCount nodes { id } } jobs(first: 9) { totalCount nodes { id } } \
        activity(first: 9) { nodes { kind } } events(first: 9) { nodes { type } } \
        counts { dropletsBySize { count } jobsByKind { count } } }";
    let variables = json!({ "droplet": droplet, "job": job });
    let seen = ours.data(document, variables.clone()).await;
    assert_eq!(seen["node"]["id"], json!(droplet));
    assert_eq!(seen["droplets"]["totalCount"], 1);
    assert_eq!(seen["events"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(
        theirs.data(document, variables).await,
        json!({
            "node": null, "droplet": null, "job": null,
            "droplets": { "totalCount": 0, "nodes": [] },
            "jobs": { "totalCount": 0, "nodes": [] },
            "activity": { "nodes": [] }, "events": { "nodes": [] },
            "counts": { "dropletsBySize": [], "jobsByKind": [] },
        })
    );
    let refused = theirs
        .mutate("deleteDroplet", json!({ "id": droplet }))
        .await;
    assert_eq!(refused["userErrors"][0]["code"], "DROPLET_NOT_FOUND");
    let foreign = json!({ "kind": "batch", "target": { "droplet": droplet } });
    let refused = theirs.mutate("submitJob", foreign).await;
    assert_eq!(refused["userErrors"][0]["code"], "DROPLET_NOT_FOUND");
}
