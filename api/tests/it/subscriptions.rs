//! Subscriptions: what they carry, where they go on, when they end.

use api::identity::roles::Role;
use chrono::TimeDelta;
use futures_util::StreamExt;
use projections::page::log_cursor;
use serde_json::{Value, json};

use crate::calling::{Payloads, TestApi, code_of, now, text};

const DROPLETS: &str = "subscription ($after: String, $id: ID, $statuses: [DropletStatus!], \
    $tags: [String!]) { dropletChanged(after: $after, id: $id, statuses: $statuses, tags: $tags) { cursor \
    event { type version } droplet { resourceId name status } } }";
const EVENTS: &str = "subscription ($after: String, $types: [EventType!]) { \
    eventRecorded(after: $after, types: $types) { cursor event { position type cursor } \
    resource { __typename ... on JobSnapshot { resourceId } ... on DropletSnapshot { resourceId } } } }";

/// The next so many payloads of a field.
async fn take(payloads: &mut Payloads, field: &str, count: usize) -> Vec<Value> {
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        let mut response = payloads.next().await.expect("there is more");
        assert_eq!(response.get("errors"), None);
        taken.push(response["data"][field].take());
    }
    taken
}

/// A cursor before everything.
fn beginning() -> String {
    log_cursor(Default::default())
}

fn types(payloads: &[Value]) -> Vec<&str> {
    let types = payloads.iter();
    types
        .filter_map(|payload| payload["event"]["type"].as_str())
        .collect()
}

#[tokio::test]
async fn a_subscription_goes_on_after_a_cursor_without_loss_or_repetition() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let start = beginning();
    let variables = json!({ "after": start });
    let mut payloads = agent.subscribe(DROPLETS, variables);
    let caught_up = take(&mut payloads, "dropletChanged", 1).await;
    assert_eq!(types(&caught_up), ["DROPLET_REQUESTED"]);
    let rename = json!({ "id": id, "name": "web-2" });
    agent.done("renameDroplet", rename).await;
    let live = take(&mut payloads, "dropletChanged", 1).await;
    assert_eq!(types(&live), ["DROPLET_RENAMED"]);
    assert_eq!(live[0]["droplet"]["name"], "web-2");
    drop(payloads);

    agent.done("protectDroplet", json!({ "id": id })).await;
    agent.done("unprotectDroplet", json!({ "id": id })).await;
    let after = text(live[0]["cursor"].clone());
    let mut payloads = agent.subscribe(DROPLETS, json!({ "after": after }));
    let missed = take(&mut payloads, "dropletChanged", 2).await;
    assert_eq!(types(&missed), ["DROPLET_PROTECTED", "DROPLET_UNPROTECTED"]);
}

#[tokio::test]
async fn a_droplet_is_shown_as_of_the_event() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    agent.done("reportDropletActive", json!({ "id": id })).await;
    let start = beginning();
    let mut payloads = agent.subscribe(DROPLETS, json!({ "after": start }));
    let statuses: Vec<_> = take(&mut payloads, "dropletChanged", 2)
        .await
        .iter()
        .map(|payload| payload["droplet"]["status"].clone())
        .collect();
    assert_eq!(statuses, ["REQUESTED", "ACTIVE"]);
}

#[tokio::test]
async fn droplets_are_filtered() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let first = agent.droplet("web-1").await;
    let second = agent.droplet("web-2").await;
    for id in [&first, &second] {
        agent.done("reportDropletActive", json!({ "id": id })).await;
    }
    let tag = json!({ "id": second, "tag": "env:prod" });
    agent.done("tagDroplet", tag).await;
    let start = beginning();
    for (mut filter, expected) in [
        (
            json!({ "id": second }),
            vec!["DROPLET_REQUESTED", "DROPLET_ACTIVATED", "DROPLET_TAGGED"],
        ),
        (
            json!({ "statuses": "ACTIVE" }),
            vec!["DROPLET_ACTIVATED", "DROPLET_ACTIVATED", "DROPLET_TAGGED"],
        ),
        (json!({ "tags": ["env:prod"] }), vec!["DROPLET_TAGGED"]),
    ] {
        filter["after"] = json!(start);
        let mut payloads = agent.subscribe(DROPLETS, filter);
        let found = take(&mut payloads, "dropletChanged", expected.len()).await;
        assert_eq!(types(&found), expected);
    }
}

#[tokio::test]
async fn jobs_are_filtered() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let first = agent.droplet("web-1").await;
    let second = agent.droplet("web-2").await;
    agent.job(&first).await;
    let job = agent.job(&second).await;
    let start = json!({ "id": job, "worker": "w" });
    agent.done("startJob", start).await;
    let document = "subscription ($after: String, $droplet: ID, $statuses: [JobStatus!], \
        $kinds: [String!]) { jobChanged(after: $after, droplet: $droplet, statuses: $statuses, \
        kinds: $kinds) { cursor event { type } job { resourceId status dropletId } } }";
    let filter = json!({
        "after": beginning(), "droplet": second, "statuses": "RUNNING", "kinds": "batch",
    });
    let mut payloads = agent.subscribe(document, filter);
    let found = take(&mut payloads, "jobChanged", 1).await;
    assert_eq!(found[0]["job"]["resourceId"], json!(job));
    assert_eq!(types(&found), ["JOB_STARTED"]);
}

#[tokio::test]
async fn a_cursor_of_the_history_is_one_of_a_subscription() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent, Role::Auditor]);
    let droplet = agent.droplet("web-1").await;
    agent.job(&droplet).await;
    api.platform.settle().await;
    let document = "{ events(first: 1) { edges { cursor node { cursor } } } }";
    let data = agent.data(document, Value::Null).await;
    let edge = &data["events"]["edges"][0];
    assert_eq!(edge["cursor"], edge["node"]["cursor"]);
    let mut payloads = agent.subscribe(EVENTS, json!({ "after": edge["cursor"] }));
    let next = take(&mut payloads, "eventRecorded", 1).await;
    assert_eq!(types(&next), ["JOB_SUBMITTED"]);
    assert_eq!(next[0]["cursor"], next[0]["event"]["cursor"]);
    assert_eq!(next[0]["resource"]["__typename"], "JobSnapshot");
}

#[tokio::test]
async fn events_are_filtered_by_type_and_organization() {
    let api = TestApi::start().await;
    let ours = api.caller(&[Role::Admin]);
    let theirs = api.caller_of("globex", &[Role::Admin]);
    theirs.droplet("web-1").await;
    let droplet = ours.droplet("web-1").await;
    ours.job(&droplet).await;
    let filter = json!({ "after": beginning(), "types": ["JOB_SUBMITTED"] });
    let mut payloads = ours.subscribe(EVENTS, filter.clone());
    let found = take(&mut payloads, "eventRecorded", 1).await;
    assert_eq!(types(&found), ["JOB_SUBMITTED"]);

    let mut payloads = theirs.subscribe(EVENTS, filter);
    let their_droplet = theirs.droplet("web-2").await;
    let their_job = theirs.job(&their_droplet).await;
    let found = take(&mut payloads, "eventRecorded", 1).await;
    assert_eq!(found[0]["resource"]["resourceId"], json!(their_job));
}

#[tokio::test]
async fn a_subscription_ends_with_its_token() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    // Tokens are taken for five seconds more, and transports have another one to say it their way.
    let viewer = viewer.until(now() - TimeDelta::milliseconds(5_800));
    let mut payloads = viewer.subscribe(DROPLETS, Value::Null);
    let end = payloads.next().await.expect("the end is told");
    assert_eq!(code_of(&end), "UNAUTHENTICATED");
    assert!(payloads.next().await.is_none());
}

#[tokio::test]
async fn what_may_not_be_followed_is_refused() {
    let api = TestApi::start().await;
    for (role, document, variables, code) in [
        (Role::Analyst, DROPLETS, json!({}), "FORBIDDEN"),
        (Role::Viewer, EVENTS, json!({}), "FORBIDDEN"),
        (
            Role::Viewer,
            DROPLETS,
            json!({ "after": "x" }),
            "INVALID_CURSOR",
        ),
        (
            Role::Viewer,
            DROPLETS,
            json!({ "id": "x" }),
            "BAD_USER_INPUT",
        ),
        (
            Role::Admin,
            EVENTS,
            json!({ "types": ["x"] }),
            "BAD_USER_INPUT",
        ),
    ] {
        let caller = api.caller(&[role]);
        let mut payloads = caller.subscribe(document, variables);
        let response = payloads.next().await.expect("the refusal is told");
        assert_eq!(code_of(&response), code);
        assert!(payloads.next().await.is_none());
    }
}
