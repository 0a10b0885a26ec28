//! graphql-transport-ws: every rule and every close code, over real sockets.

use std::time::Duration;

use api::websocket::Limits;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message, client::IntoClientRequest, http::HeaderValue, protocol::CloseFrame,
    },
};

use crate::serving::{PATIENCE, Serving, token, token_for};

/// A client that says and hears exactly what a test wants.
struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(serving: &Serving) -> Self {
        Self::connect_with(serving, &[]).await
    }

    async fn connect_with(serving: &Serving, headers: &[(&'static str, &str)]) -> Self {
        let mut request = format!("ws://{}/graphql", serving.address)
            .into_client_request()
            .expect("the URL is one");
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, value.parse().expect("the value is a header's"));
        }
        let (socket, response) = connect_async(request).await.expect("the server upgrades");
        assert_eq!(
            response.headers()["sec-websocket-protocol"],
            "graphql-transport-ws"
        );
        Self(socket)
    }

    /// Connects and is let in.
    async fn admitted(serving: &Serving) -> Self {
        let mut client = Self::connect(serving).await;
        client
            .init(json!({"authorization": format!("Bearer {}", token())}))
            .await;
        assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
        client
    }

    async fn init(&mut self, payload: Value) {
        self.say(json!({"type": "connection_init", "payload": payload}))
            .await;
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"type": "subscribe", "id": id, "payload": {"query": query}}))
            .await;
    }

    async fn complete(&mut self, id: &str) {
        self.say(json!({"type": "complete", "id": id})).await;
    }

    async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    async fn send(&mut self, message: Message) {
        self.0.send(message).await.expect("the server reads");
    }

    async fn receive(&mut self) -> Message {
        timeout(PATIENCE, self.0.next())
            .await
            .expect("something comes")
            .expect("the connection is open")
            .expect("the connection is sound")
    }

    /// The next message of the protocol.
    async fn hear(&mut self) -> Value {
        loop {
            match self.receive().await {
                Message::Text(text) => {
                    return serde_json::from_str(&text).expect("messages are JSON");
                }
                Message::Ping(_) => {}
                other => panic!("a message was expected, not {other:?}"),
            }
        }
    }

    /// How the server closes, whatever it says before.
    async fn closed(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.receive().await {
                return frame.expect("a close frame has a code");
            }
        }
    }

    async fn close_code(&mut self) -> u16 {
        self.closed().await.code.into()
    }

    /// Passes when all that was sent before was handled: messages are handled in order.
    async fn handled(&mut self) {
        self.say(json!({"type": "ping"})).await;
        assert_eq!(self.hear().await, json!({"type": "pong"}));
    }
}

/// The default limits with one shortened.
fn limits(shorten: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    shorten(&mut limits);
    limits
}

const SOON: Duration = Duration::from_millis(50);

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
async fn what_cannot_begin_ends_with_an_error() {
    let serving = Serving::start().await;
    let mut client = Client::admitted(&serving).await;
    for query in [
        "{",
        "{ unknown }",
        "query($name: String!) { greet(name: $name) }",
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
    assert_eq!(next["payload"]["errors"][0]["message"], "the second fails");
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

/// Waits until no stream of `held` lives.
async fn released(serving: &Serving) {
    let released = async {
        while serving.held.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, released)
        .await
        .expect("the streams are dropped");
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

#[tokio::test]
async fn a_slow_consumer_is_closed_and_told_why() {
    let shortened = limits(|limits| {
        limits.write = Duration::from_millis(300);
        limits.closing = PATIENCE;
    });
    let serving = Serving::with(shortened, Vec::new()).await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "subscription { flood }").await;
    client.subscribe("2", "subscription { held }").await;
    // Nothing is read until the server has given up on us, which ends the other operation.
    let begun = async {
        while serving.held.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, begun).await.unwrap();
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

/// A connection upgraded by hand, whose WebSocket nobody speaks.
async fn raw_client(serving: &Serving) -> TcpStream {
    let mut socket = TcpStream::connect(serving.address)
        .await
        .expect("the server listens");
    let head = "GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                sec-websocket-protocol: graphql-transport-ws\r\n\r\n";
    socket
        .write_all(head.as_bytes())
        .await
        .expect("the server reads");
    let mut answered = Vec::new();
    while !answered.ends_with(b"\r\n\r\n") {
        answered.push(socket.read_u8().await.expect("the server answers"));
    }
    assert!(answered.starts_with(b"HTTP/1.1 101 "));
    socket
}

fn init() -> String {
    json!({"type": "connection_init", "payload": {"authorization": token()}}).to_string()
}

/// A text frame with a mask of zeros, as a client must send it.
fn masked(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("the text is short");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}
