//! What operations answer, and how they end.

use api::graph::answer::MAX_ANSWER_BYTES;
use serde_json::json;

use super::client::{Client, released};
use crate::serving::Serving;

#[tokio::test]
async fn an_id_that_is_taken_is_4409_and_free_again_afterwards() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    for _ in 0..2 {
        client.subscribe("1", "{ answer }").await;
        assert_eq!(client.hear().await["type"], "next");
        assert_eq!(client.hear().await, json!({"type": "complete", "id": "1"}));
    }
    client.subscribe("1", "subscription { held }").await;
    assert_eq!(client.hear().await["type"], "next");
    client.subscribe("1", "{ answer }").await;
    let frame = client.closed().await;
    assert_eq!(u16::from(frame.code), 4409);
    assert_eq!(frame.reason.as_str(), "Subscriber for 1 already exists");
}

#[tokio::test]
async fn every_type_of_operation_runs() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    for (query, results) in [
        ("{ answer }", vec![json!({"data": {"answer": 42}})]),
        ("mutation { change }", vec![json!({"data": {"change": 1}})]),
        (
            "subscription { count(to: 3) }",
            vec![
                json!({"data": {"count": 1}}),
                json!({"data": {"count": 2}}),
                json!({"data": {"count": 3}}),
            ],
        ),
    ] {
        client.subscribe("a", query).await;
        for result in results {
            let next = json!({"type": "next", "id": "a", "payload": result});
            assert_eq!(client.hear().await, next);
        }
        assert_eq!(client.hear().await, json!({"type": "complete", "id": "a"}));
    }
}

#[tokio::test]
async fn variables_and_the_operation_name_count() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    let query = "query A($name: String!) { greet(name: $name) } query B { answer }";
    let payload = json!({"query": query, "operationName": "A", "variables": {"name": "Ada"}});
    client
        .say(json!({"type": "subscribe", "id": "1", "payload": payload}))
        .await;
    assert_eq!(
        client.hear().await["payload"],
        json!({"data": {"greet": "hello Ada"}})
    );
}

#[tokio::test]
async fn an_empty_operation_name_is_none() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    for payload in [
        json!({"query": "{ answer }", "operationName": ""}),
        json!({"query": "query A { answer }", "operationName": "", "variables": null, "extensions": null}),
        json!({"query": "query A { answer }", "operationName": null, "variables": {}}),
    ] {
        client
            .say(json!({"type": "subscribe", "id": "1", "payload": payload}))
            .await;
        assert_eq!(
            client.hear().await["payload"],
            json!({"data": {"answer": 42}})
        );
        assert_eq!(client.hear().await["type"], "complete");
    }
}

#[tokio::test]
async fn what_cannot_begin_ends_with_an_error() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    for query in [
        "{",
        "{ unknown }",
        "query($name: String!) { greet(name: $name) }",
        "query S($name: String!) { greet(name: $name) }",
        "subscription { unknown }",
        "subscription { refused }",
    ] {
        client.subscribe("1", query).await;
        let message = client.hear().await;
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("error"), &json!("1")),
            "{query}"
        );
        assert!(
            !message["payload"][0]["message"]
                .as_str()
                .unwrap()
                .is_empty()
        );
        // Nothing comes after an error, and the id is free.
        client.handled().await;
    }
}

#[tokio::test]
async fn an_error_in_a_result_is_a_result() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "{ failing }").await;
    let next = client.hear().await;
    assert_eq!(next["type"], "next");
    assert!(next["payload"].as_object().unwrap().contains_key("data"));
    assert_eq!(client.hear().await["type"], "complete");

    client.subscribe("2", "subscription { half }").await;
    assert_eq!(client.hear().await["payload"], json!({"data": {"half": 1}}));
    let next = client.hear().await;
    assert_eq!(next["payload"]["errors"][0]["message"], "it fails");
    assert_eq!(client.hear().await["type"], "complete");
}

#[tokio::test]
async fn a_result_that_is_too_long_is_told_and_the_next_comes() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    let query = format!("subscription {{ long(length: {MAX_ANSWER_BYTES}) }}");
    client.subscribe("1", &query).await;
    let short = json!({"data": {"long": "x"}});
    assert_eq!(client.hear().await["payload"], short);
    let refused = client.hear().await;
    assert_eq!(
        refused["payload"]["errors"][0]["extensions"]["code"],
        "LIMIT_EXCEEDED"
    );
    assert_eq!(client.hear().await["payload"], short);
    assert_eq!(client.hear().await["type"], "complete");
}

#[tokio::test]
async fn an_operation_that_panics_ends_alone() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "subscription { panics }").await;
    assert_eq!(client.hear().await["type"], "next");
    let error = client.hear().await;
    assert_eq!(
        (&error["type"], &error["id"]),
        (&json!("error"), &json!("1"))
    );
    assert_eq!(error["payload"][0]["extensions"]["code"], "INTERNAL");
    client.handled().await;
}

#[tokio::test]
async fn what_the_client_completes_ends_without_an_echo() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "subscription { held }").await;
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(serving.held.available_permits(), 1);
    client.complete("1").await;
    client.complete("never-begun").await;
    released(&serving).await;
    // The first thing that comes is the pong: no `complete` before it.
    client.handled().await;
    client.subscribe("1", "{ answer }").await;
    assert_eq!(client.hear().await["type"], "next");
}

#[tokio::test]
async fn closing_the_connection_ends_its_operations() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "subscription { held }").await;
    client.subscribe("2", "subscription { held }").await;
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(serving.held.available_permits(), 2);
    client.0.close(None).await.unwrap();
    released(&serving).await;
}

#[tokio::test]
async fn a_connection_that_breaks_ends_its_operations() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "subscription { held }").await;
    assert_eq!(client.hear().await["type"], "next");
    drop(client);
    released(&serving).await;
}

#[tokio::test]
async fn one_operation_more_than_may_run_is_refused_alone() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    for id in 1..=50 {
        client
            .subscribe(&id.to_string(), "subscription { held }")
            .await;
        assert_eq!(client.hear().await["type"], "next");
    }
    client.subscribe("51", "{ answer }").await;
    let error = client.hear().await;
    assert_eq!(
        (&error["type"], &error["id"]),
        (&json!("error"), &json!("51"))
    );
    assert_eq!(error["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    client.complete("50").await;
    client.subscribe("51", "{ answer }").await;
    assert_eq!(client.hear().await["type"], "next");
}
