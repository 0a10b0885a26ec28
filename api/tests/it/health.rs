//! What operators' machinery asks, without a token.

use std::sync::Arc;

use api::graph::readiness::{Part, PartState, Readiness};
use api::transport::endpoint::WebSocketLimits;
use api::transport::health::health_router;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::serving::Serving;

fn parts() -> Vec<Part> {
    vec![
        Part {
            name: "postgres",
            state: PartState::Ready,
        },
        Part {
            name: "kafka",
            state: PartState::NotReady("no broker answers".to_owned()),
        },
    ]
}

#[tokio::test]
async fn a_live_process_says_so() {
    let serving = Serving::with(WebSocketLimits::default(), parts()).await;
    let response = reqwest::get(serving.url("/livez")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), "ok");
}

#[tokio::test]
async fn readiness_names_the_part_that_is_not_ready_and_why() {
    let serving = Serving::with(WebSocketLimits::default(), parts()).await;
    let response = reqwest::get(serving.url("/readyz")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = response.json().await.unwrap();
    let expected = json!({"ready": false, "parts": [
        {"name": "postgres", "ready": true, "reason": null},
        {"name": "kafka", "ready": false, "reason": "no broker answers"},
    ]});
    assert_eq!(body, expected);

    let mut parts = parts();
    parts[1].state = PartState::Idle("ann has paused it".to_owned());
    let serving = Serving::with(WebSocketLimits::default(), parts).await;
    let response = reqwest::get(serving.url("/readyz")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.json::<Value>().await.unwrap()["ready"], true);
}

struct NothingToWaitFor;

impl Readiness for NothingToWaitFor {
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_process_without_an_api_has_the_same_routes() {
    let router = health_router(
        Arc::new(NothingToWaitFor),
        Arc::new(|| "a_metric 1\n".to_owned()),
    );
    let serving = Serving::serve(router, Arc::new(Semaphore::new(0))).await;
    let metrics = reqwest::get(serving.url("/metrics")).await.unwrap();
    assert_eq!(
        metrics.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(metrics.text().await.unwrap(), "a_metric 1\n");
    let ready = reqwest::get(serving.url("/readyz")).await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
}
