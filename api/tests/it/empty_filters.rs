//! What an empty filter lets through, and a page of nothing.

use api::identity::roles::Role;
use chrono::TimeDelta;
use futures_util::StreamExt;
use projections::page::log_cursor;
use serde_json::{Value, json};

use crate::calling::{Caller, TestApi, code_of, now};

/// A platform with a droplet, a job and a cluster.
async fn filled() -> (TestApi, Caller) {
    let api = TestApi::start().await;
    let caller = api.caller(&[Role::Admin, Role::Agent]);
    let droplet = caller.droplet("web-1").await;
    caller.job(&droplet).await;
    caller
        .done("createCluster", json!({ "name": "blue" }))
        .await;
    api.platform.settle().await;
    (api, caller)
}

#[tokio::test]
async fn an_empty_list_lets_nothing_of_a_list_through() {
    let (_api, caller) = filled().await;
    for (list, filter, expected) in [
        ("droplets", "statuses: []", 0),
        ("droplets", "regions: []", 0),
        ("droplets", "sizes: []", 0),
        ("droplets", "statuses: [REQUESTED], regions: []", 0),
        // A droplet has all tags of none.
        ("droplets", "tags: []", 1),
        (
            "droplets",
            "statuses: null, regions: null, sizes: null, tags: null",
            1,
        ),
        ("jobs", "statuses: []", 0),
        ("jobs", "kinds: []", 0),
        ("jobs", "statuses: null, kinds: null", 1),
        ("clusters", "statuses: []", 0),
        ("clusters", "statuses: null", 1),
        ("activity", "kinds: []", 0),
        ("activity", "kinds: null", 3),
        ("events", "types: []", 0),
        ("events", "types: null", 3),
    ] {
        let document = format!(
            "{{ {list}(first: 9, filter: {{ {filter} }}) {{ nodes {{ version: __typename }} }} }}"
        );
        let data = caller.data(&document, Value::Null).await;
        let found = data[list]["nodes"].as_array().map(Vec::len);
        assert_eq!(found, Some(expected), "{list}: {filter}");
        if !["activity", "events"].contains(&list) {
            let document =
                format!("{{ {list}(first: 0, filter: {{ {filter} }}) {{ totalCount }} }}");
            let data = caller.data(&document, Value::Null).await;
            assert_eq!(data[list]["totalCount"], expected, "{list}: {filter}");
        }
    }
    let document = "{ droplets(first: 1) { nodes { jobs(first: 1, filter: { kinds: [] }) { totalCount nodes { id } } } } }";
    let data = caller.data(document, Value::Null).await;
    let jobs = &data["droplets"]["nodes"][0]["jobs"];
    assert_eq!(*jobs, json!({ "totalCount": 0, "nodes": [] }));
}

#[tokio::test]
async fn an_empty_list_lets_nothing_of_a_subscription_through() {
    let (_api, caller) = filled().await;
    let after = log_cursor(Default::default());
    for (field, filter, expected) in [
        ("dropletChanged", "statuses: []", None),
        ("dropletChanged", "tags: []", Some("DROPLET_REQUESTED")),
        ("jobChanged", "statuses: []", None),
        ("jobChanged", "kinds: []", None),
        ("jobChanged", "statuses: null", Some("JOB_SUBMITTED")),
        ("clusterChanged", "statuses: []", None),
        ("clusterChanged", "statuses: null", Some("CLUSTER_CREATED")),
        ("eventRecorded", "types: []", None),
        ("eventRecorded", "types: null", Some("DROPLET_REQUESTED")),
    ] {
        let document = format!(
            "subscription {{ {field}(after: \"{after}\", {filter}) {{ event {{ type }} }} }}"
        );
        // The token ends, and with it the subscription: by then all events have been looked at.
        let caller = caller.clone().until(now() - TimeDelta::milliseconds(5_000));
        let mut payloads = caller.subscribe(&document, Value::Null);
        let first = payloads.next().await.expect("it is answered");
        match expected {
            Some(expected) => {
                let event = &first["data"][field]["event"];
                assert_eq!(event["type"], expected, "{field}: {filter}");
            }
            None => assert_eq!(code_of(&first), "UNAUTHENTICATED", "{field}: {filter}"),
        }
    }
}

#[tokio::test]
async fn a_page_of_nothing_still_has_its_total_and_its_neighbours() {
    let (_api, caller) = filled().await;
    let document = "{ droplets(first: 0) { totalCount nodes { id } edges { cursor } \
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let data = caller.data(document, Value::Null).await;
    assert_eq!(
        data["droplets"],
        json!({
            "totalCount": 1, "nodes": [], "edges": [],
            "pageInfo": {
                "hasNextPage": true, "hasPreviousPage": false, "startCursor": null, "endCursor": null,
            },
        })
    );
    for list in ["jobs", "clusters", "activity", "events"] {
        for page in ["first: 0", "last: 0"] {
            let document = format!("{{ {list}({page}) {{ nodes {{ __typename }} }} }}");
            let data = caller.data(&document, Value::Null).await;
            assert_eq!(data[list]["nodes"], json!([]), "{list}");
        }
    }
}
