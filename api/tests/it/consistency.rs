//! Reading one's own writes: tokens in queries, headers and subscriptions.

use std::time::Duration;

use api::identity::roles::Role;
use futures_util::{StreamExt, future};
use serde_json::{Value, json};

use crate::calling::{Caller, TestApi, code_of, text};

/// Mutations and queries by each of several clients.
const ROUNDS: usize = 100;
const CLIENTS: usize = 4;

/// Enough for a look, too little for a projection that does not run.
const IMPATIENT: Duration = Duration::from_millis(300);

const DROPLET: &str = "query ($id: ID!, $token: String) { droplet(id: $id, consistentWith: $token) { name version } }";

/// The same droplet by its last event.
const EVENT: &str = "query ($id: ID!, $token: String) { \
    events(last: 1, filter: { resource: $id }, consistentWith: $token) { \
    nodes { resource { ... on Droplet { name } } } } }";

/// Every field that reads a read model about droplets and takes a token itself.
const EVERYTHING: &str = "query ($id: ID!, $token: String) { \
    droplet(id: $id, consistentWith: $token) { name } \
    droplets(first: 1, consistentWith: $token) { nodes { name } } \
    activity(first: 1, consistentWith: $token) { nodes { kind } } \
    events(last: 1, consistentWith: $token) { nodes { type } } \
    counts(consistentWith: $token) { dropletsByStatus { status count } } }";

async fn rename(caller: &Caller, id: &str, name: &str) -> String {
    let input = json!({ "id": id, "name": name });
    text(caller.done("renameDroplet", input).await["consistencyToken"].take())
}

#[tokio::test]
async fn a_query_with_a_token_always_sees_the_write() {
    let api = TestApi::start().await;
    let clients = (0..CLIENTS).map(|client| {
        let admin = api.caller(&[Role::Admin]);
        async move {
            let id = admin.droplet(&format!("web-{client}")).await;
            for round in 0..ROUNDS {
                let name = format!("web-{client}-{round}");
                let token = rename(&admin, &id, &name).await;
                let variables = json!({ "id": id, "token": token });
                if round % 2 == 0 {
                    let data = admin.data(DROPLET, variables).await;
                    assert_eq!(data["droplet"]["name"], name);
                } else {
                    let data = admin.data(EVENT, variables).await;
                    assert_eq!(data["events"]["nodes"][0]["resource"]["name"], name);
                }
            }
        }
    });
    future::join_all(clients).await;
}

#[tokio::test]
async fn every_field_shows_the_write() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin]);
    for round in 0..10 {
        let name = format!("web-{round}");
        let input = json!({
            "name": name, "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
            "provisioner": "AGENT",
        });
        let mut payload = admin.done("provisionDroplet", input).await;
        let (id, token) = (
            payload["droplet"]["id"].take(),
            payload["consistencyToken"].take(),
        );
        let variables = json!({ "id": id, "token": token });
        let data = admin.data(EVERYTHING, variables).await;
        assert_eq!(
            data,
            json!({
                "droplet": { "name": name },
                "droplets": { "nodes": [{ "name": name }] },
                "activity": { "nodes": [{ "kind": "DROPLET_REQUESTED" }] },
                "events": { "nodes": [{ "type": "DROPLET_REQUESTED" }] },
                "counts": data["counts"],
            })
        );
        assert_eq!(data["counts"]["dropletsByStatus"][0]["count"], round + 1);
    }
}

#[tokio::test]
async fn the_tokens_of_a_request_and_of_a_field_both_count() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let (first, second) = (agent.droplet("web-1").await, agent.droplet("web-2").await);
    let document = "query ($first: ID!, $second: ID!, $token: String) { \
        first: node(id: $first) { ... on Droplet { name } } \
        second: droplet(id: $second, consistentWith: $token) { name } }";
    for round in 0..50 {
        let names = [format!("a-{round}"), format!("b-{round}")];
        let of_request = rename(&agent, &first, &names[0]).await;
        let of_field = rename(&agent, &second, &names[1]).await;
        let variables = json!({ "first": first, "second": second, "token": of_field });
        let data = agent.showing(&of_request).data(document, variables).await;
        assert_eq!(data["first"]["name"], names[0]);
        assert_eq!(data["second"]["name"], names[1]);
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_the_lag() {
    let api = TestApi::with_patience(IMPATIENT).await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    api.platform.settle().await;
    let paused = api.platform.pause("droplets").await;
    let token = rename(&agent, &id, "web-2").await;
    let variables = json!({ "id": id, "token": token });
    let response = agent.response(DROPLET, variables.clone()).await;
    assert_eq!(code_of(&response), "NOT_YET_CONSISTENT");
    assert_eq!(response["errors"][0]["extensions"]["lagEvents"], 1);
    // What other read models show does not wait for this one.
    let document = "query ($token: String) { activity(first: 1, consistentWith: $token) { \
        nodes { kind } } jobs(first: 1, consistentWith: $token) { nodes { id } } }";
    let data = agent.data(document, variables.clone()).await;
    assert_eq!(data["activity"]["nodes"][0]["kind"], "DROPLET_RENAMED");

    drop(paused);
    api.platform.settle().await;
    let data = agent.data(DROPLET, variables).await;
    assert_eq!(data["droplet"]["name"], "web-2");
}

#[tokio::test]
async fn nested_objects_show_the_write_or_the_field_fails() {
    const PATHS: [&str; 5] = [
        "droplet(id: $droplet, consistentWith: $token) { cluster { name } }",
        "droplets(first: 1, consistentWith: $token) { nodes { cluster { name } } }",
        "droplets(first: 1, consistentWith: $token) { edges { node { cluster { name } } } }",
        "job(id: $job, consistentWith: $token) { droplet { cluster { name } } }",
        "jobs(first: 1, consistentWith: $token) { nodes { droplet { ... { cluster { name } } } } }",
    ];
    let api = TestApi::with_patience(IMPATIENT).await;
    let agent = api.caller(&[Role::Agent]);
    let input = json!({ "name": "blue" });
    let cluster = agent.done("createCluster", input).await["cluster"]["id"].take();
    let input = json!({
        "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
        "provisioner": "AGENT", "cluster": cluster,
    });
    let droplet = text(agent.done("provisionDroplet", input).await["droplet"]["id"].take());
    let job = agent.job(&droplet).await;
    api.platform.settle().await;
    let paused = api.platform.pause("clusters").await;
    let input = json!({ "id": cluster, "name": "green" });
    let token = agent.done("renameCluster", input).await["consistencyToken"].take();
    let variables = json!({ "droplet": droplet, "job": job, "token": token });
    for path in PATHS {
        let mut declared = "$token: String".to_owned();
        for id in ["droplet", "job"] {
            if path.contains(&format!("${id}")) {
                declared += &format!(", ${id}: ID!");
            }
        }
        let document = format!("query ({declared}) {{ {path} }}");
        let answer = agent.response(&document, variables.clone()).await;
        assert_eq!(code_of(&answer), "NOT_YET_CONSISTENT", "{path}: {answer}");
    }
    drop(paused);
}

#[tokio::test]
async fn a_token_from_the_future_is_not_waited_for_for_ever() {
    let api = TestApi::with_patience(IMPATIENT).await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let token = rename(&agent, &id, "web-2").await;
    let mut token: commands::token::Token = token.parse().expect("is a token");
    token.streams[0].1 = token.streams[0].1.plus(1);
    let variables = json!({ "id": id, "token": token.to_string() });
    assert_eq!(agent.code(DROPLET, variables).await, "NOT_YET_CONSISTENT");
}

#[tokio::test]
async fn a_write_to_a_parked_stream_is_refused_at_once() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    api.platform.settle().await;
    let uuid = id.strip_prefix("Droplet:").expect("is a droplet's id");
    api.platform.park("droplets", uuid).await;
    let token = rename(&agent, &id, "web-2").await;
    let variables = json!({ "id": id, "token": token });
    assert_eq!(agent.code(DROPLET, variables).await, "STREAM_PARKED");
    let data = agent.data(DROPLET, json!({ "id": id })).await;
    assert_eq!(data["droplet"], json!({ "name": "web-1", "version": "1" }));
}

#[tokio::test]
async fn a_token_that_is_none_or_not_ours_is_refused() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let token = rename(&agent, &id, "web-2").await;
    let other = api.caller_of("other", &[Role::Admin]);
    for (caller, token) in [(&agent, "nonsense"), (&other, token.as_str())] {
        let variables = json!({ "id": id, "token": token });
        let response = caller.response(DROPLET, variables).await;
        assert_eq!(code_of(&response), "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_subscription_begins_right_after_the_write_of_a_token() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let by_argument = "subscription ($token: String) { dropletChanged(after: $token) { \
        event { type } droplet { name } } }";
    let by_request = "subscription { dropletChanged { event { type } droplet { name } } }";
    for round in 0..20 {
        let token = rename(&agent, &id, &format!("web-{round}-a")).await;
        let name = format!("web-{round}-b");
        rename(&agent, &id, &name).await;
        let variables = json!({ "token": token });
        for mut payloads in [
            agent.subscribe(by_argument, variables),
            agent.showing(&token).subscribe(by_request, Value::Null),
        ] {
            let next = payloads.next().await.expect("there is more");
            assert_eq!(next["data"]["dropletChanged"]["droplet"]["name"], name);
        }
    }
}

#[tokio::test]
async fn a_subscription_after_a_write_that_has_no_place_is_refused() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let token = rename(&agent, &id, "web-2").await;
    let other = api.caller_of("other", &[Role::Admin]);
    let document = "subscription ($token: String) { dropletChanged(after: $token) { cursor } }";
    for (caller, token, code) in [
        (&agent, "nonsense", "INVALID_CURSOR"),
        (&other, token.as_str(), "BAD_USER_INPUT"),
    ] {
        let mut payloads = caller.subscribe(document, json!({ "token": token }));
        let response = payloads.next().await.expect("it is refused");
        assert_eq!(code_of(&response), code);
    }
}
