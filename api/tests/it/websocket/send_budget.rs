//! What all connections of a principal together leave unread is bounded.

use api::transport::send_budget::SendBudget;
use futures_util::future::select_all;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client as Http, Response, StatusCode};
use serde_json::{Value, json};
use testkit::wait;

use super::client::Client;
use crate::serving::{Serving, token, token_of};

async fn ask(serving: &Serving, token: &str, accept: &str) -> Response {
    let request = Http::new()
        .post(serving.url("/graphql"))
        .bearer_auth(token)
        .header("accept", accept)
        .json(&json!({"query": "{ answer }"}));
    request.send().await.expect("the server answers")
}

#[tokio::test]
async fn a_principal_that_reads_nothing_is_closed_and_refused_until_it_reads() {
    let serving = Serving::with_unread(SendBudget::MIN_BYTES).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::admitted(&serving).await;
        client.subscribe("1", "subscription { flood }").await;
        clients.push(client);
    }
    // Nothing is read on any of them until the first has been given up.
    wait::until("one is too much", async || {
        (serving.held.available_permits() < clients.len()).then_some(())
    })
    .await;

    for accept in ["application/json", "text/event-stream"] {
        let refused = ask(&serving, &token(), accept).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()[RETRY_AFTER], "10");
        let body: Value = refused.json().await.expect("it is told in JSON");
        assert_eq!(body["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
        assert_eq!(body.get("data"), None);
    }
    let other = ask(&serving, &token_of("bob"), "application/json").await;
    assert_eq!(other.status(), StatusCode::OK);

    let closed = clients.iter_mut().map(|client| Box::pin(client.closed()));
    let (frame, ..) = select_all(closed).await;
    assert_eq!(u16::from(frame.code), 1013);
    assert!(frame.reason.as_str().starts_with("too much unread"));
    drop(clients);
    wait::until("there is room again", async || {
        let answered = ask(&serving, &token(), "application/json").await;
        (answered.status() == StatusCode::OK).then_some(())
    })
    .await;
}
