//! Who is let in, and how long that takes at most.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::client::{Client, SOON, limits};
use crate::serving::{Serving, token, token_for};

#[tokio::test]
async fn another_subprotocol_is_refused() {
    let serving = Serving::start().await;
    for protocol in [Some("graphql-ws"), None] {
        let mut request = format!("ws://{}/graphql", serving.address)
            .into_client_request()
            .unwrap();
        if let Some(protocol) = protocol {
            let protocol = HeaderValue::from_static(protocol);
            request
                .headers_mut()
                .insert("sec-websocket-protocol", protocol);
        }
        match connect_async(request).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 400),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn without_init_the_connection_ends_with_4408() {
    let serving = Serving::with(limits(|limits| limits.init = SOON), Vec::new()).await;
    let mut client = Client::connect(&serving).await;
    let frame = client.closed().await;
    assert_eq!(u16::from(frame.code), 4408);
    assert_eq!(frame.reason.as_str(), "Connection initialisation timeout");
}

#[tokio::test]
async fn the_init_timeout_does_not_end_who_is_in() {
    let shortened = limits(|limits| {
        limits.init = Duration::from_millis(300);
        limits.ping_every = Duration::from_millis(200);
    });
    let serving = Serving::with(shortened, Vec::new()).await;
    let mut client = Client::admitted(&serving).await;
    // The second ping comes after the time for the init.
    assert_eq!(client.hear().await, json!({"type": "ping"}));
    assert_eq!(client.hear().await, json!({"type": "ping"}));
    client.handled().await;
}

#[tokio::test]
async fn a_second_init_is_4429() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.init(json!({"authorization": token()})).await;
    let frame = client.closed().await;
    assert_eq!(u16::from(frame.code), 4429);
    assert_eq!(frame.reason.as_str(), "Too many initialisation requests");
}

#[tokio::test]
async fn subscribe_before_the_ack_is_4401() {
    let serving = Serving::start().await;
    let mut client = Client::connect(&serving).await;
    client.subscribe("1", "{ answer }").await;
    let frame = client.closed().await;
    assert_eq!(
        (u16::from(frame.code), frame.reason.as_str()),
        (4401, "Unauthorized")
    );
}

#[tokio::test]
async fn a_missing_or_bad_token_is_4403() {
    let serving = Serving::start().await;
    for payload in [
        Value::Null,
        json!({}),
        json!({"authorization": 3}),
        json!({"authorization": "Bearer nonsense"}),
        json!({"authorization": format!("Bearer {}", token_for(-60))}),
    ] {
        let mut client = Client::connect(&serving).await;
        client.init(payload.clone()).await;
        let frame = client.closed().await;
        assert_eq!(u16::from(frame.code), 4403, "{payload}");
        assert!(
            frame.reason.as_str().contains("clustergenie token"),
            "{}",
            frame.reason
        );
    }
}

#[tokio::test]
async fn a_token_may_be_bare_or_come_with_the_upgrade() {
    let serving = Serving::start().await;
    for payload in [
        json!({"authorization": token()}),
        json!({"Authorization": format!("bearer {}", token())}),
    ] {
        let mut client = Client::connect(&serving).await;
        client.init(payload).await;
        assert_eq!(client.hear().await["type"], "connection_ack");
    }
    let header = format!("Bearer {}", token());
    let mut client = Client::connect_with(&serving, &[("authorization", &header)]).await;
    client.say(json!({"type": "connection_init"})).await;
    assert_eq!(client.hear().await["type"], "connection_ack");
    client.subscribe("1", "{ who }").await;
    assert_eq!(
        client.hear().await["payload"],
        json!({"data": {"who": "ada@acme"}})
    );
}

#[tokio::test]
async fn a_token_that_ends_ends_the_connection() {
    let serving = Serving::start().await;
    let mut client = Client::connect(&serving).await;
    // Ended, but taken for two seconds more, because clocks differ.
    client.init(json!({"authorization": token_for(-3)})).await;
    assert_eq!(client.hear().await["type"], "connection_ack");
    client.subscribe("1", "subscription { held }").await;
    let frame = client.closed().await;
    assert_eq!(u16::from(frame.code), 4403);
    assert!(frame.reason.as_str().contains("expired"));
}
