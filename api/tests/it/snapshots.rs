//! Earlier states of resources have types without an `id`, so that caches of clients keep the current state.

use api::identity::roles::Role;
use futures_util::StreamExt;
use projections::page::log_cursor;
use serde_json::{Value, json};

use crate::calling::TestApi;

#[tokio::test]
async fn an_earlier_state_has_neither_the_type_nor_the_id_of_its_resource() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin, Role::Agent]);
    let id = admin.droplet("before").await;
    admin
        .done("renameDroplet", json!({ "id": id, "name": "after" }))
        .await;
    api.platform.settle().await;
    let after = log_cursor(Default::default());
    let document = "subscription ($after: String) { dropletChanged(after: $after) { \
        event { resourceId resource { __typename id ... on Droplet { name } } } \
        droplet { __typename resourceId name version } } }";
    let mut payloads = admin.subscribe(document, json!({ "after": after }));
    let first = payloads.next().await.expect("there is an event");
    let change = &first["data"]["dropletChanged"];
    let earlier = json!({
        "__typename": "DropletSnapshot", "resourceId": id, "name": "before", "version": "1",
    });
    assert_eq!(change["droplet"], earlier, "{first}");
    // The resource of the event is the current one, under its id.
    let current = json!({ "__typename": "Droplet", "id": id, "name": "after" });
    assert_eq!(change["event"]["resource"], current);

    let document = "subscription ($after: String) { eventRecorded(after: $after) { resource { __typename \
        ... on DropletSnapshot { resourceId name } } } }";
    let mut payloads = admin.subscribe(document, json!({ "after": after }));
    let first = payloads.next().await.expect("there is an event");
    assert_eq!(
        first["data"]["eventRecorded"]["resource"],
        json!({ "__typename": "DropletSnapshot", "resourceId": id, "name": "before" })
    );
}

#[tokio::test]
async fn no_type_of_an_earlier_state_has_an_id_or_is_a_node() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    let document =
        "query ($name: String!) { __type(name: $name) { fields { name } interfaces { name } } }";
    for name in ["DropletSnapshot", "JobSnapshot", "ClusterSnapshot"] {
        let data = viewer.data(document, json!({ "name": name })).await;
        assert_eq!(data["__type"]["interfaces"], json!([]), "{name}");
        let fields = data["__type"]["fields"]
            .as_array()
            .expect("it is an object");
        assert!(fields.contains(&json!({ "name": "resourceId" })));
        assert!(!fields.contains(&json!({ "name": "id" })), "{name}");
    }
    let document = "{ __type(name: \"ResourceSnapshot\") { possibleTypes { name } } }";
    let data = viewer.data(document, Value::Null).await;
    let possible = data["__type"]["possibleTypes"].as_array();
    for possible in possible.expect("it is a union") {
        let name = possible["name"].as_str().unwrap_or_default();
        assert!(name.ends_with("Snapshot"), "{name}");
    }
}
