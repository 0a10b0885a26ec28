//! Points: what is told of them, and what happens without.

use std::time::{Duration, Instant};

use api::admission::rate_limit::{Rate, Rates};
use api::identity::roles::Role;
use api::pipeline::Rules;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{GRAPHQL, JSON, answer, code, post};
use crate::calling::TestApi;
use crate::serving::{Serving, token};
use crate::websocket::client::Client as Socket;

fn rates(capacity: u32) -> Rates {
    let rate = Rate {
        capacity,
        per_second: 1,
    };
    Rates {
        people: rate,
        agents: rate,
    }
}

#[tokio::test]
async fn points_are_told_and_run_out() {
    let rules = Rules {
        rates: rates(25),
        ..Rules::default()
    };
    let serving = Serving::under(rules).await;
    let mutation = json!({"query": "mutation { change }"});
    let header = |response: &Response, name: &str| -> i64 {
        response.headers()[name].to_str().unwrap().parse().unwrap()
    };
    for remaining in [15, 5] {
        let response = post(&serving, JSON, mutation.clone()).await;
        assert_eq!(header(&response, "x-ratelimit-limit"), 25);
        // A point may have come back in the meantime.
        assert!((remaining..remaining + 5).contains(&header(&response, "x-ratelimit-remaining")));
        assert!(header(&response, "x-ratelimit-reset") > 1_700_000_000);
        assert_eq!(response.headers().get(RETRY_AFTER), None);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["extensions"]["cost"], json!({"requested": 10}));
    }
    for accept in [GRAPHQL, JSON, "text/event-stream"] {
        let response = post(&serving, accept, mutation.clone()).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(header(&response, "x-ratelimit-limit"), 25);
        assert!((1..=5).contains(&header(&response, "retry-after")));
        let body: Value = response.json().await.unwrap();
        assert_eq!(code(&body), "RATE_LIMITED");
        assert_eq!(body.get("data"), None);
    }
    let mut socket = Socket::admitted(&serving).await;
    socket.subscribe("1", "mutation { change }").await;
    let heard = socket.hear().await;
    assert_eq!(heard["type"], "error");
    assert_eq!(heard["payload"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn refused_documents_cost_points_too() {
    let rules = Rules {
        rates: rates(20),
        ..Rules::default()
    };
    let serving = Serving::under(rules).await;
    for expected in ["GRAPHQL_PARSE_FAILED", "GRAPHQL_PARSE_FAILED"] {
        assert_eq!(
            code(&answer(&serving, json!({"query": "{"})).await),
            expected
        );
    }
    let response = post(&serving, JSON, json!({"query": "{"})).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_query_can_ask_for_its_points() {
    let rules = Rules {
        rates: rates(1_000),
        ..Rules::default()
    };
    let api = TestApi::with(rules).await;
    let document = "{ rateLimit { cost limit remaining resetAt } catalogue { date } }";
    let viewer = api.caller(&[Role::Viewer]);
    let data = viewer.data(document, Value::Null).await;
    let points = &data["rateLimit"];
    assert_eq!(
        (&points["cost"], &points["limit"]),
        (&json!(2), &json!(1_000))
    );
    assert_eq!(points["remaining"], 998);
    assert!(points["resetAt"].is_string());
}

#[tokio::test]
async fn a_request_that_is_refused_before_it_runs_costs_points() {
    let rules = Rules {
        rates: rates(100),
        ..Rules::default()
    };
    for (number, body) in [
        json!({"query": "{ answer }", "operationName": "nope"}),
        json!({"query": "query A { answer } query B { answer }"}),
        json!({"query": "query ($n: String!) { greet(name: $n) }"}),
        json!({"query": "{ nothing }"}),
        json!({"query": "{ answer", "operationName": "nope"}),
        json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0".repeat(64)}}}),
        json!({"query": "subscription { count(to: 1) }"}),
        json!({"query": format!("{{ {} }}", "answer ".repeat(11))}),
    ]
    .into_iter()
    .enumerate()
    {
        let serving = Serving::under(rules.clone()).await;
        let response = post(&serving, GRAPHQL, body.clone()).await;
        let remaining = &response.headers()["x-ratelimit-remaining"];
        assert_eq!(remaining, "90", "{number}: {body}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer.get("data"), None, "{body}");
        assert_eq!(answer["extensions"]["cost"], json!({"requested": 10}));
    }
}

#[tokio::test]
async fn without_points_no_new_document_is_read() {
    let rules = Rules {
        rates: rates(15),
        ..Rules::default()
    };
    let serving = Serving::under(rules).await;
    let known = json!({"query": "{ answer }"});
    assert_eq!(answer(&serving, known.clone()).await["data"]["answer"], 42);
    let refused = json!({"query": "{ answer }", "operationName": "nope"});
    answer(&serving, refused).await;
    // Fewer points are left than reading costs. A document that was read before still runs.
    let fresh = "query Fresh { answer }";
    let response = post(&serving, JSON, json!({"query": fresh})).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key(RETRY_AFTER));
    assert_eq!(answer(&serving, known).await["data"]["answer"], 42);
}

#[tokio::test]
async fn bytes_cost_points_before_they_are_parsed() {
    let rules = Rules {
        rates: rates(100),
        ..Rules::default()
    };
    let serving = Serving::under(rules).await;
    // No JSON: parsing would find that first.
    let large = "{".repeat(60 * 256);
    let sent = async |body: &str| {
        let request = reqwest::Client::new().post(serving.url("/graphql"));
        let request = request.bearer_auth(token());
        let request = request.header("content-type", "application/json");
        request.body(body.to_owned()).send().await.unwrap()
    };
    let first = sent(&large).await;
    assert_eq!(first.status(), StatusCode::BAD_REQUEST);
    let started = Instant::now();
    let second = sent(&large).await;
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(
        started.elapsed() >= Duration::from_millis(100),
        "refusals are slow"
    );
    assert!(second.headers().contains_key(RETRY_AFTER));
    assert_eq!(code(&second.json::<Value>().await.unwrap()), "RATE_LIMITED");
    let mut socket = Socket::admitted(&serving).await;
    let query = "{ answer } #".to_owned() + &"x".repeat(60 * 256);
    socket.subscribe("1", &query).await;
    let heard = socket.hear().await;
    assert_eq!(
        (&heard["type"], &heard["id"]),
        (&json!("error"), &json!("1"))
    );
    assert_eq!(heard["payload"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn a_document_that_is_too_dear_costs_points_too() {
    let rules = Rules {
        rates: rates(25),
        ..Rules::default()
    };
    let serving = Serving::under(rules).await;
    let once = post(&serving, JSON, json!({"query": "mutation { change }"})).await;
    assert_eq!(once.status(), StatusCode::OK);
    let twice = json!({"query": "mutation { change again: change }"});
    let refused = post(&serving, JSON, twice).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let remaining: u32 = refused.headers()["x-ratelimit-remaining"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((5..10).contains(&remaining), "{remaining} points are left");
}

#[tokio::test]
async fn without_points_no_large_message_of_a_websocket_is_read() {
    let rules = Rules {
        rates: rates(100),
        ..Rules::default()
    };
    let serving = Serving::under(rules).await;
    let mut socket = Socket::admitted(&serving).await;
    let large = json!({"type": "ping", "payload": {"x": "x".repeat(20_000)}});
    socket.say(large.clone()).await;
    assert_eq!(socket.hear().await["type"], "pong");
    socket.subscribe("1", &"x".repeat(20_000)).await;
    let heard = socket.hear().await;
    assert_eq!(heard["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    // Small ones are read, because they end operations and keep the connection.
    socket
        .say(json!({"type": "ping", "payload": {"x": "y".repeat(900)}}))
        .await;
    assert_eq!(socket.hear().await["type"], "pong");
    socket.say(large).await;
    assert_eq!(socket.close_code().await, 1013);
}
