//! A cursor names its list, its order and its direction, and other lists refuse it.

use api::identity::roles::Role;
use serde_json::{Value, json};

use crate::calling::{TestApi, text};

/// The lists, each with another order or direction.
const LISTS: [(&str, &str); 11] = [
    ("droplets", ""),
    (
        "droplets",
        "orderBy: { field: CREATED_AT, direction: ASCENDING }",
    ),
    (
        "droplets",
        "orderBy: { field: UPDATED_AT, direction: DESCENDING }",
    ),
    ("droplets", "orderBy: { field: NAME, direction: ASCENDING }"),
    (
        "droplets",
        "orderBy: { field: NAME, direction: DESCENDING }",
    ),
    ("jobs", ""),
    (
        "jobs",
        "orderBy: { field: UPDATED_AT, direction: DESCENDING }",
    ),
    ("clusters", ""),
    ("clusters", "orderBy: { field: NAME, direction: ASCENDING }"),
    ("activity", ""),
    ("events", ""),
];

#[tokio::test]
async fn a_cursor_is_taken_by_its_own_list_and_by_no_other() {
    let api = TestApi::start().await;
    let admin = api.caller(&[Role::Admin, Role::Agent]);
    let droplet = admin.droplet("web-1").await;
    admin.job(&droplet).await;
    admin.done("createCluster", json!({ "name": "blue" })).await;
    api.platform.settle().await;
    let mut cursors = Vec::new();
    for (list, order) in LISTS {
        let document = format!("{{ {list}(first: 1, {order}) {{ edges {{ cursor }} }} }}");
        let mut data = admin.data(&document, Value::Null).await;
        cursors.push(text(data[list]["edges"][0]["cursor"].take()));
    }
    for (asked, (list, order)) in LISTS.iter().enumerate() {
        for (given, cursor) in cursors.iter().enumerate() {
            for place in ["first: 1, after", "last: 1, before"] {
                let document = format!(
                    "{{ {list}({place}: \"{cursor}\", {order}) {{ nodes {{ __typename }} }} }}"
                );
                let response = admin.response(&document, Value::Null).await;
                let (own, foreign) = (LISTS[asked], LISTS[given]);
                if asked == given {
                    assert_eq!(response.get("errors"), None, "{own:?}");
                } else {
                    let code = &response["errors"][0]["extensions"]["code"];
                    assert_eq!(*code, "INVALID_CURSOR", "{own:?} with one of {foreign:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_of_a_list_within_an_object_is_not_one_of_the_whole_list_of_another_type() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    agent.job(&droplet).await;
    api.platform.settle().await;
    let document = "{ droplets(first: 1) { nodes { jobs(first: 1) { edges { cursor } } } } }";
    let mut data = agent.data(document, Value::Null).await;
    let cursor = text(data["droplets"]["nodes"][0]["jobs"]["edges"][0]["cursor"].take());
    let document = format!("{{ droplets(first: 1, after: \"{cursor}\") {{ nodes {{ id }} }} }}");
    assert_eq!(agent.code(&document, Value::Null).await, "INVALID_CURSOR");
    let document = format!(
        "{{ droplets(first: 1) {{ nodes {{ jobs(first: 1, after: \"{cursor}\") {{ nodes {{ id }} }} }} }} }}"
    );
    let data = agent.data(&document, Value::Null).await;
    assert_eq!(data["droplets"]["nodes"][0]["jobs"]["nodes"], json!([]));
}
