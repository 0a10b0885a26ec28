//! The root of a subscription: one field, however it is written, and never an end without an answer.

use api::identity::roles::Role;
use futures_util::StreamExt;
use projections::page::log_cursor;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::calling::TestApi;
use crate::serving::{Serving, token};
use crate::websocket::client::Client;

/// Ways to write one field at the root.
const ONE_FIELD: [&str; 4] = [
    "subscription { ...F } fragment F on Subscription { count(to: 2) }",
    "subscription { ... on Subscription { count(to: 2) } }",
    "subscription { count(to: 2) count(to: 2) }",
    "subscription { ...F ... { ...F count(to: 2) } } fragment F on Subscription { count(to: 2) }",
];

/// Roots from which no stream can be chosen.
const NO_FIELD: [&str; 10] = [
    "subscription { count(to: 2) @skip(if: true) }",
    "subscription { count(to: 2) @skip(if: false) }",
    "subscription { count(to: 2) @include(if: true) }",
    "subscription ($b: Boolean!) { ... @include(if: $b) { count(to: 2) } }",
    "subscription { ...F @include(if: false) } fragment F on Subscription { count(to: 2) }",
    "subscription { count(to: 2) held }",
    "subscription { a: count(to: 2) b: count(to: 2) }",
    "subscription { a: count(to: 1) a: count(to: 2) }",
    "subscription { __typename }",
    "subscription { ...F } fragment F on Subscription { __typename }",
];

#[tokio::test]
async fn one_field_is_delivered_however_it_is_written() {
    let serving = Serving::start().await;
    for document in ONE_FIELD {
        let events = events(&serving, document).await;
        for number in [1, 2] {
            let data = json!({ "count": number });
            assert!(events.contains(&data.to_string()), "{document}: {events}");
        }
        let mut client = Client::admitted(&serving).await;
        client.subscribe("1", document).await;
        for number in [1, 2] {
            let data = json!({ "data": { "count": number } });
            assert_eq!(client.hear().await["payload"], data, "{document}");
        }
        assert_eq!(client.hear().await["type"], "complete");
    }
}

#[tokio::test]
async fn a_root_without_a_stream_is_an_error() {
    let serving = Serving::start().await;
    for document in NO_FIELD {
        let events = events(&serving, document).await;
        let code = "GRAPHQL_VALIDATION_FAILED";
        assert!(events.contains(code), "{document}: {events}");
        assert!(!events.contains("\"data\""), "{document}: {events}");
        let mut client = Client::admitted(&serving).await;
        client.subscribe("1", document).await;
        let heard = client.hear().await;
        assert_eq!(heard["type"], "error", "{document}: {heard}");
        assert_eq!(heard["payload"][0]["extensions"]["code"], code);
    }
}

#[tokio::test]
async fn selections_of_one_field_are_merged() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let id = agent.droplet("web-1").await;
    let document = "subscription ($after: String) { ...F dropletChanged(after: $after) { droplet { name } } } \
        fragment F on Subscription { dropletChanged(after: $after) { event { type } droplet { resourceId } } }";
    let start = log_cursor(Default::default());
    let mut payloads = agent.subscribe(document, json!({ "after": start }));
    let first = payloads.next().await.expect("there is an event");
    let change = json!({
        "event": { "type": "DROPLET_REQUESTED" },
        "droplet": { "resourceId": id, "name": "web-1" },
    });
    assert_eq!(first["data"]["dropletChanged"], change);
    assert_eq!(first.get("errors"), None::<&Value>);
}

/// The whole text of a stream of events.
async fn events(serving: &Serving, document: &str) -> String {
    let request = reqwest::Client::new().post(serving.url("/graphql"));
    let request = request
        .bearer_auth(token())
        .header(ACCEPT, "text/event-stream");
    let request = request.json(&json!({ "query": document }));
    let response = request.send().await.expect("the server answers");
    response.text().await.expect("events are text")
}
