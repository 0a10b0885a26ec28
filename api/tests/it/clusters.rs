//! Clusters: created, changed, listed, followed and deleted.

use api::identity::roles::Role;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::calling::{Caller, TestApi, text};

const CLUSTER: &str = "query ($id: ID!, $token: String) { \
    cluster(id: $id, consistentWith: $token) { name description minimumNodes maximumNodes } \
    node(id: $id) { __typename id } \
    counts(consistentWith: $token) { clustersByStatus { status count } } }";
const CLUSTERS: &str = "query ($filter: ClusterFilter, $token: String) { \
    clusters(first: 9, filter: $filter, consistentWith: $token, \
    orderBy: { field: NAME, direction: ASCENDING }) { totalCount nodes { name } } }";
const MEMBERS: &str = "query ($id: ID, $token: String) { \
    droplets(first: 9, filter: { cluster: $id }, consistentWith: $token, \
    orderBy: { field: NAME, direction: ASCENDING }) { \
    totalCount nodes { name clusterId clusterLabel cluster { id name } } } }";
const CHANGES: &str = "subscription ($id: ID, $statuses: [ClusterStatus!], $after: String) { \
    clusterChanged(id: $id, statuses: $statuses, after: $after) { \
    event { type version } cluster { name status } } }";

/// Creates a cluster of 1 to 3 droplets; gives its id and the token.
async fn create(caller: &Caller, name: &str) -> (String, String) {
    let input = json!({ "name": name, "minimumNodes": 1, "maximumNodes": 3 });
    let mut payload = caller.done("createCluster", input).await;
    let id = text(payload["cluster"]["id"].take());
    (id, text(payload["consistencyToken"].take()))
}

async fn names(caller: &Caller, filter: Value, token: &str) -> Value {
    let variables = json!({ "filter": filter, "token": token });
    let data = caller.data(CLUSTERS, variables).await;
    let nodes = data["clusters"]["nodes"].as_array();
    let names: Vec<_> = nodes
        .expect("it is a list")
        .iter()
        .map(|node| &node["name"])
        .collect();
    assert_eq!(data["clusters"]["totalCount"], names.len());
    json!(names)
}

#[tokio::test]
async fn a_cluster_lives_through_every_mutation() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let (id, _) = create(&operator, "blue").await;

    let renamed = operator
        .done("renameCluster", json!({ "id": id, "name": "green" }))
        .await;
    assert_eq!(renamed["cluster"]["name"], "green");
    let describe = json!({ "id": id, "description": "web servers" });
    let described = operator.done("describeCluster", describe).await;
    assert_eq!(described["cluster"]["description"], "web servers");
    let limits = json!({ "id": id, "minimumNodes": 0, "maximumNodes": 4 });
    let limited = operator.done("setClusterNodeLimits", limits).await;
    assert_eq!(limited["cluster"]["minimumNodes"], 0);
    assert_eq!(limited["cluster"]["maximumNodes"], 4);
    let by_id = json!({ "id": id });
    for (mutation, status) in [
        ("startClusterMaintenance", "MAINTENANCE"),
        ("endClusterMaintenance", "ACTIVE"),
        ("deleteCluster", "DELETED"),
    ] {
        let payload = operator.done(mutation, by_id.clone()).await;
        assert_eq!(payload["cluster"]["status"], status);
    }

    let deleted = operator.mutate("deleteCluster", by_id).await;
    assert_eq!(deleted["userErrors"][0]["code"], "CLUSTER_DELETED");
}

#[tokio::test]
async fn droplets_belong_to_a_cluster_within_its_bounds() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let input = json!({ "name": "blue", "maximumNodes": 2 });
    let mut created = operator.done("createCluster", input).await;
    let id = text(created["cluster"]["id"].take());
    let droplet = |name: &str| {
        json!({
            "name": name, "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
            "cluster": id,
        })
    };
    operator.done("provisionDroplet", droplet("web-1")).await;
    let second = operator.done("provisionDroplet", droplet("web-2")).await;

    let refused = operator.mutate("provisionDroplet", droplet("web-3")).await;
    let limits = json!({ "id": id, "minimumNodes": 0, "maximumNodes": 1 });
    let limited = operator.mutate("setClusterNodeLimits", limits).await;
    let deleted = operator.mutate("deleteCluster", json!({ "id": id })).await;
    for (payload, code, field) in [
        (refused, "CLUSTER_FULL", json!(["input", "cluster"])),
        (
            limited,
            "CLUSTER_TOO_LARGE",
            json!(["input", "maximumNodes"]),
        ),
        (deleted, "CLUSTER_NOT_EMPTY", Value::Null),
    ] {
        assert_eq!(payload["userErrors"][0]["code"], code);
        assert_eq!(payload["userErrors"][0]["field"], field, "{code}");
    }

    operator.droplet("alone").await;
    let variables = json!({ "id": id, "token": second["consistencyToken"] });
    let data = operator.data(MEMBERS, variables).await;
    let member = |name| {
        json!({
            "name": name, "clusterId": id, "clusterLabel": null,
            "cluster": { "id": id, "name": "blue" },
        })
    };
    assert_eq!(
        data["droplets"],
        json!({ "totalCount": 2, "nodes": [member("web-1"), member("web-2")] })
    );
}

#[tokio::test]
async fn droplets_of_one_cluster_are_followed() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let (id, token) = create(&operator, "blue").await;
    operator.droplet("alone").await;
    let input = json!({
        "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
        "cluster": id,
    });
    operator.done("provisionDroplet", input).await;
    let document = "subscription ($id: ID, $after: String) { \
                    dropletChanged(cluster: $id, after: $after) { droplet { name } } }";
    let mut changes = operator.subscribe(document, json!({ "id": id, "after": token }));
    let response = changes.next().await.expect("there is more");
    let droplet = &response["data"]["dropletChanged"]["droplet"];
    assert_eq!(droplet, &json!({ "name": "web-1" }));
}

#[tokio::test]
async fn what_is_wrong_with_a_cluster_is_said_of_its_argument() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    for (input, field, code) in [
        (json!({ "name": "Blue" }), "name", "INVALID_VALUE"),
        (
            json!({ "name": "blue", "minimumNodes": -1 }),
            "minimumNodes",
            "INVALID_VALUE",
        ),
        (
            json!({ "name": "blue", "maximumNodes": 1_001 }),
            "maximumNodes",
            "INVALID_MAXIMUM_NODES",
        ),
        (
            json!({ "name": "blue", "minimumNodes": 3, "maximumNodes": 2 }),
            "minimumNodes",
            "MINIMUM_ABOVE_MAXIMUM",
        ),
    ] {
        let refused = operator.mutate("createCluster", input).await;
        assert_eq!(refused["cluster"], Value::Null);
        assert_eq!(refused["userErrors"][0]["code"], code);
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", field]),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_cluster_is_found_with_the_token_of_its_creation() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let (id, token) = create(&operator, "blue").await;
    let variables = json!({ "id": id, "token": token });
    let data = operator.showing(&token).data(CLUSTER, variables).await;
    assert_eq!(
        data,
        json!({
            "cluster": {
                "name": "blue", "description": "", "minimumNodes": 1, "maximumNodes": 3,
            },
            "node": { "__typename": "Cluster", "id": id },
            "counts": { "clustersByStatus": [
                { "status": "ACTIVE", "count": 1 },
                { "status": "MAINTENANCE", "count": 0 },
                { "status": "DELETED", "count": 0 },
            ] },
        })
    );
}

#[tokio::test]
async fn clusters_are_filtered() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    create(&operator, "web-blue").await;
    let (second, _) = create(&operator, "web-green").await;
    let (gone, _) = create(&operator, "db").await;
    operator
        .done("startClusterMaintenance", json!({ "id": second }))
        .await;
    let mut payload = operator.done("deleteCluster", json!({ "id": gone })).await;
    let token = text(payload["consistencyToken"].take());
    for (filter, expected) in [
        (json!({}), json!(["web-blue", "web-green"])),
        (json!({ "name": "GREEN" }), json!(["web-green"])),
        (json!({ "statuses": ["DELETED"] }), json!(["db"])),
        (
            json!({ "statuses": ["ACTIVE", "DELETED"] }),
            json!(["db", "web-blue"]),
        ),
    ] {
        assert_eq!(names(&operator, filter, &token).await, expected);
    }
    let others = api.caller_of("other", &[Role::Operator]);
    let (_, token) = create(&others, "theirs").await;
    assert_eq!(names(&others, json!({}), &token).await, json!(["theirs"]));
}

#[tokio::test]
async fn a_subscription_tells_what_happens_to_a_cluster_after_a_token() {
    let api = TestApi::start().await;
    let operator = api.caller(&[Role::Operator]);
    let (id, token) = create(&operator, "blue").await;
    create(&operator, "other").await;
    operator
        .done("renameCluster", json!({ "id": id, "name": "green" }))
        .await;
    operator.done("deleteCluster", json!({ "id": id })).await;

    let told = |name: &str, version: &str, kind: &str, status: &str| {
        json!({
            "event": { "type": kind, "version": version },
            "cluster": { "name": name, "status": status },
        })
    };
    let renamed = told("green", "2", "CLUSTER_RENAMED", "ACTIVE");
    let deleted = told("green", "3", "CLUSTER_DELETED", "DELETED");
    let variables = json!({ "id": id, "after": token });
    let mut all = operator.subscribe(CHANGES, variables);
    for expected in [&renamed, &deleted] {
        let response = all.next().await.expect("there is more");
        assert_eq!(&response["data"]["clusterChanged"], expected);
    }
    let variables = json!({ "statuses": ["DELETED"], "after": token });
    let mut ends = operator.subscribe(CHANGES, variables);
    let response = ends.next().await.expect("there is more");
    assert_eq!(response["data"]["clusterChanged"], deleted);
}
