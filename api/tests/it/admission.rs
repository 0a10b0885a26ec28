//! What clients see of limits, points, and documents by hash, over each transport.

mod documents;
mod points;

use std::time::Duration;

use api::admission::limits::Limits;
use api::pipeline::Rules;
use reqwest::header::ACCEPT;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::serving::{Serving, token};
use crate::websocket::client::Client as Socket;

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

async fn post(serving: &Serving, accept: &str, body: Value) -> Response {
    let request = Client::new().post(serving.url("/graphql"));
    let request = request.bearer_auth(token()).header(ACCEPT, accept);
    request
        .json(&body)
        .send()
        .await
        .expect("the server answers")
}

async fn answer(serving: &Serving, body: Value) -> Value {
    let response = post(serving, JSON, body).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.expect("the body is JSON")
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"]
        .as_str()
        .expect("an error has a code")
}

#[tokio::test]
async fn a_document_over_a_limit_is_a_request_error_on_every_transport() {
    let serving = Serving::start().await;
    let document = format!("{{ {} }}", "answer ".repeat(11));
    let error =
        json!({"code": "LIMIT_EXCEEDED", "limit": "root_fields", "found": 11, "allowed": 10});
    for (accept, status) in [(GRAPHQL, StatusCode::BAD_REQUEST), (JSON, StatusCode::OK)] {
        let response = post(&serving, accept, json!({"query": document})).await;
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body.get("data"), None);
        assert_eq!(body["errors"][0]["extensions"], error);
        assert_eq!(body["errors"][0].get("locations"), None);
    }
    let mut socket = Socket::admitted(&serving).await;
    socket.subscribe("1", &document).await;
    let heard = socket.hear().await;
    assert_eq!(heard["type"], "error");
    assert_eq!(heard["payload"][0]["extensions"], error);
    let events = post(&serving, "text/event-stream", json!({"query": document})).await;
    assert!(events.text().await.unwrap().contains("LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn what_runs_too_long_is_ended() {
    let limits = Limits {
        execution: Duration::from_millis(20),
        ..Limits::DEFAULT
    };
    let serving = Serving::under(Rules {
        limits,
        ..Rules::default()
    })
    .await;
    let body = answer(&serving, json!({"query": "{ never }"})).await;
    assert_eq!(code(&body), "TOO_SLOW");
    assert_eq!(body["data"], Value::Null);
    // A subscription may last, as long as its results do not.
    let mut socket = Socket::admitted(&serving).await;
    socket.subscribe("1", "subscription { count(to: 2) }").await;
    let first = socket.hear_all().await;
    assert_eq!(
        first["payload"]["extensions"],
        json!({"cost": {"requested": 10}})
    );
    assert_eq!(
        socket.hear().await["payload"],
        json!({"data": {"count": 2}})
    );
}
