//! A server that stops: clients go elsewhere, and whatever was sent before is answered.

use std::time::Duration;

use reqwest::{Client as Http, StatusCode};
use serde_json::{Value, json};
use testkit::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::serving::{Serving, token, without_cost};
use crate::websocket::client::Client;

/// Sends a document on a connection of a client, and returns the answer with the header `connection`.
async fn send(client: &Http, url: String, document: &'static str) -> (Option<String>, Value) {
    let request = client.post(url).bearer_auth(token());
    let request = request.json(&json!({ "query": document }));
    let response = request.send().await.expect("it is answered");
    assert_eq!(response.status(), StatusCode::OK);
    let connection = response.headers().get("connection");
    let connection = connection.map(|value| value.to_str().expect("is ASCII").to_owned());
    let answer = response.json().await.expect("the answer is whole");
    (connection, without_cost(answer))
}

#[tokio::test]
async fn while_it_drains_it_serves_and_sends_connections_away() {
    let serving = Serving::start().await;
    let client = Http::new();
    let url = || serving.url("/graphql");
    let answer = json!({"data": {"answer": 42}});
    assert_eq!(
        send(&client, url(), "{ answer }").await,
        (None, answer.clone())
    );
    serving.drain();
    // On the connection that is kept, and then on a new one.
    for _ in 0..2 {
        let sent = send(&client, url(), "{ answer }").await;
        assert_eq!(sent, (Some("close".to_owned()), answer.clone()));
    }
    // WebSockets are served too, and stay until the close.
    let mut websocket = Client::admitted(&serving).await;
    websocket.subscribe("1", "{ answer }").await;
    assert_eq!(websocket.hear().await["payload"], answer);
    serving.stop();
    drop(client);
    assert_eq!(websocket.close_code().await, 1001);
    serving.stopped().await;
}

#[tokio::test]
async fn requests_in_flight_at_the_close_are_answered() {
    let serving = Serving::start().await;
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let url = serving.url("/graphql");
        requests.spawn(async move {
            send(&Http::new(), url, "mutation { changeLate(after: 700) }").await
        });
    }
    wait::until("all have begun", async || {
        (serving.begun() == 20).then_some(())
    })
    .await;
    serving.stop();
    while let Some(answered) = requests.join_next().await {
        let (connection, answer) = answered.expect("it is answered");
        assert_eq!(connection.as_deref(), Some("close"));
        assert!(answer["data"]["changeLate"].is_u64(), "{answer}");
    }
    assert_eq!(serving.changes(), 20);
    serving.stopped().await;
}

#[tokio::test]
async fn requests_on_their_way_at_the_close_are_answered() {
    let serving = Serving::start().await;
    let ask = async |socket: &mut TcpStream| {
        let request = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
        socket.write_all(request).await.expect("it reads");
    };
    let answered = async |socket: &mut TcpStream| {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            answer.push(socket.read_u8().await.expect("it is answered"));
        }
        String::from_utf8(answer).expect("is text")
    };
    // A connection that was used before, one that was not, and one that the server has not accepted.
    let mut used = TcpStream::connect(serving.address)
        .await
        .expect("it listens");
    ask(&mut used).await;
    assert!(!answered(&mut used).await.contains("connection: close"));
    let mut unused = TcpStream::connect(serving.address)
        .await
        .expect("it listens");
    serving.stop();
    // The server runs on this thread, and so has not seen its close yet.
    let late = std::net::TcpStream::connect(serving.address).expect("it listens");
    late.set_nonblocking(true).expect("it can wait");
    let mut late = TcpStream::from_std(late).expect("it is a socket");
    for socket in [&mut used, &mut unused, &mut late] {
        ask(socket).await;
    }
    for socket in [&mut used, &mut unused, &mut late] {
        assert!(answered(socket).await.contains("connection: close"));
    }
    serving.stopped().await;
}

#[tokio::test]
async fn a_websocket_is_closed_after_its_queries_and_mutations_were_answered() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("held", "subscription { held }").await;
    assert_eq!(client.hear().await["id"], "held");
    client
        .subscribe("late", "mutation { changeLate(after: 700) }")
        .await;
    wait::until("it has begun", async || {
        (serving.begun() == 1).then_some(())
    })
    .await;
    serving.stop();
    assert_eq!(
        client.hear().await["payload"],
        json!({"data": {"changeLate": 1}})
    );
    assert_eq!(
        client.hear().await,
        json!({"type": "complete", "id": "late"})
    );
    let frame = client.closed_at_once().await;
    assert_eq!(u16::from(frame.code), 1001);
    assert!(frame.reason.as_str().contains("reconnect"));
    serving.stopped().await;
}

#[tokio::test]
async fn what_outlasts_the_grace_period_is_ended() {
    let serving = Serving::with_grace(Duration::from_millis(50)).await;
    let mut client = Client::admitted(&serving).await;
    client
        .subscribe("1", "mutation { changeLate(after: 60000) }")
        .await;
    wait::until("it has begun", async || {
        (serving.begun() == 1).then_some(())
    })
    .await;
    serving.stop();
    serving.stopped().await;
}
