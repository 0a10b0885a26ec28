//! The time limit of an operation over the real platform.

use std::time::Duration;

use api::admission::limits::Limits;
use api::identity::roles::Role;
use api::pipeline::Rules;
use serde_json::{Value, json};

use crate::calling::{TestApi, code_of, text};

#[tokio::test]
async fn an_operation_that_waits_beyond_its_limit_ends_with_an_error() {
    let limits = Limits {
        execution: Duration::from_millis(300),
        ..Limits::DEFAULT
    };
    let rules = Rules {
        limits,
        ..Rules::default()
    };
    let api = TestApi::with(rules).await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    api.platform.settle().await;
    // The read model stands still, so that the write is not shown before the limit.
    let held = api.platform.pause("droplets").await;
    let rename = json!({ "id": id, "name": "web-2" });
    let renamed = agent.done("renameDroplet", rename).await;
    let token = text(renamed["consistencyToken"].clone());
    let waiting = agent.showing(&token);
    for document in [
        "query ($id: ID!) { droplet(id: $id) { name } }",
        "query ($id: ID!) { viewer { subject } node(id: $id) { id } }",
        "query ($id: ID!) { a: droplet(id: $id) { name } b: droplets(first: 1) { totalCount } \
         c: droplet(id: $id) { jobs(first: 1) { totalCount } } }",
    ] {
        let response = waiting.response(document, json!({ "id": id })).await;
        assert_eq!(code_of(&response), "TOO_SLOW", "{document}");
        assert_eq!(response.get("data"), Some(&Value::Null));
    }
    drop(held);
    api.platform.settle().await;
    let document = "query ($id: ID!) { droplet(id: $id) { name } }";
    let data = waiting.data(document, json!({ "id": id })).await;
    assert_eq!(data["droplet"]["name"], "web-2");
}
