//! What keeps a connection alive, and what ends it.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, SOON, init, limits, masked, raw_client, released};
use crate::serving::{PATIENCE, Serving};

#[tokio::test]
async fn what_is_no_message_is_4400() {
    let serving = Serving::start().await;
    for message in [
        Message::text("not JSON"),
        Message::text(r#"{"type":"unknown"}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":{"query":3}}"#),
        Message::text(format!(r#"{{"type":"{}"}}"#, "ü".repeat(1_000))),
        Message::binary(r#"{"type":"ping"}"#),
    ] {
        let mut client = Client::admitted(&serving).await;
        client.send(message).await;
        assert_eq!(client.close_code().await, 4400);
    }
}

#[tokio::test]
async fn what_is_no_frame_is_1002() {
    let serving = Serving::start().await;
    let mut socket = raw_client(&serving).await;
    // Clients must mask what they send.
    socket.write_all(&[0x81, 1, b'x']).await.unwrap();
    let mut close = [0; 4];
    timeout(PATIENCE, socket.read_exact(&mut close))
        .await
        .expect("it is closed")
        .unwrap();
    assert_eq!((close[0], &close[2..]), (0x88, &1002_u16.to_be_bytes()[..]));
}

#[tokio::test]
async fn a_message_that_is_too_big_is_1009() {
    let shortened = limits(|limits| limits.message_bytes = 1_000);
    let serving = Serving::with(shortened, Vec::new()).await;
    let mut client = Client::admitted(&serving).await;
    client
        .say(json!({"type": "ping", "payload": {"x": "x".repeat(900)}}))
        .await;
    assert_eq!(client.hear().await["type"], "pong");
    client
        .say(json!({"type": "ping", "payload": {"x": "x".repeat(1_000)}}))
        .await;
    assert_eq!(client.close_code().await, 1009);
}

#[tokio::test]
async fn a_message_that_is_far_too_big_is_1009_and_so_is_much_before_the_login() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.send(Message::text("x".repeat(900_000))).await;
    assert_eq!(client.close_code().await, 1009);
    let mut stranger = Client::connect(&serving).await;
    let pong = json!({"type": "pong", "payload": {"x": "x".repeat(10_000)}});
    for _ in 0..4 {
        stranger.say(pong.clone()).await;
    }
    assert_eq!(stranger.close_code().await, 1009);
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() {
    let serving = Serving::start().await;
    let mut client = Client::connect(&serving).await;
    // Before the init too.
    client.handled().await;
    client
        .say(json!({"type": "ping", "payload": {"n": 1}}))
        .await;
    assert_eq!(
        client.hear().await,
        json!({"type": "pong", "payload": {"n": 1}})
    );
    client
        .say(json!({"type": "pong", "payload": {"n": 1}}))
        .await;
    client.send(Message::Ping("frame".into())).await;
    assert_eq!(client.receive().await, Message::Pong("frame".into()));
}

#[tokio::test]
async fn the_server_pings_by_frame_and_by_message() {
    let serving = Serving::with(limits(|limits| limits.ping_every = SOON), Vec::new()).await;
    let mut client = Client::admitted(&serving).await;
    for _ in 0..3 {
        assert!(matches!(client.receive().await, Message::Ping(_)));
        let text = client.receive().await.into_text().unwrap();
        assert_eq!(text.as_str(), r#"{"type":"ping"}"#);
        client.say(json!({"type": "pong"})).await;
    }
}

#[tokio::test]
async fn who_says_nothing_is_closed_and_who_pongs_is_not() {
    let shortened = limits(|limits| {
        limits.ping_every = Duration::from_millis(100);
        limits.silence = Duration::from_millis(400);
        // The dead client does not answer the close frame either.
        limits.closing = SOON;
    });
    let serving = Serving::with(shortened, Vec::new()).await;
    // The client's library answers the frames of six pings while they are read.
    let mut alive = Client::admitted(&serving).await;
    for _ in 0..6 {
        assert_eq!(alive.hear().await, json!({"type": "ping"}));
    }
    alive.handled().await;

    let mut dead = raw_client(&serving).await;
    dead.write_all(&masked(&init())).await.unwrap();
    let mut heard = Vec::new();
    timeout(PATIENCE, dead.read_to_end(&mut heard))
        .await
        .expect("it is closed")
        .unwrap();
    let close = heard
        .windows(2)
        .rposition(|bytes| bytes == 4408_u16.to_be_bytes());
    assert_eq!(heard[close.expect("a close frame came") - 2], 0x88);
}

#[tokio::test]
async fn a_slow_consumer_is_closed_and_told_why() {
    let shortened = limits(|limits| {
        limits.write = Duration::from_millis(300);
        limits.closing = PATIENCE;
    });
    let serving = Serving::with(shortened, Vec::new()).await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "subscription { held }").await;
    assert_eq!(client.hear().await["type"], "next");
    client.subscribe("2", "subscription { flood }").await;
    // Nothing is read until the server has given up on us, which ends the other operation too.
    released(&serving).await;
    let frame = client.closed().await;
    assert_eq!(u16::from(frame.code), 1013);
    assert!(frame.reason.as_str().starts_with("slow consumer"));
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye() {
    let serving = Serving::start().await;
    let mut waiting = Client::connect(&serving).await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "subscription { held }").await;
    assert_eq!(client.hear().await["type"], "next");
    serving.stop();
    assert_eq!(client.close_code().await, 1001);
    assert_eq!(waiting.close_code().await, 1001);
    drop((client, waiting));
    serving.stopped().await;
}
