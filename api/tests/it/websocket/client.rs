//! Clients: one that speaks the protocol, and one that only opens the connection.

use std::time::Duration;

use api::transport::endpoint::WebSocketLimits;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::serving::{PATIENCE, Serving, token, without_cost};

/// A client that says and hears exactly what a test wants.
pub(crate) struct Client(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn connect(serving: &Serving) -> Self {
        Self::connect_with(serving, &[]).await
    }

    pub(crate) async fn connect_with(serving: &Serving, headers: &[(&'static str, &str)]) -> Self {
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
    pub(crate) async fn admitted(serving: &Serving) -> Self {
        let mut client = Self::connect(serving).await;
        client
            .init(json!({"authorization": format!("Bearer {}", token())}))
            .await;
        assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
        client
    }

    pub(crate) async fn init(&mut self, payload: Value) {
        self.say(json!({"type": "connection_init", "payload": payload}))
            .await;
    }

    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"type": "subscribe", "id": id, "payload": {"query": query}}))
            .await;
    }

    pub(super) async fn complete(&mut self, id: &str) {
        self.say(json!({"type": "complete", "id": id})).await;
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(super) async fn send(&mut self, message: Message) {
        self.0.send(message).await.expect("the server reads");
    }

    pub(super) async fn receive(&mut self) -> Message {
        timeout(PATIENCE, self.0.next())
            .await
            .expect("something comes")
            .expect("the connection is open")
            .expect("the connection is sound")
    }

    /// The next message of the protocol, without what it cost.
    pub(crate) async fn hear(&mut self) -> Value {
        let mut message = self.hear_all().await;
        if message["type"] == "next" {
            message["payload"] = without_cost(message["payload"].take());
        }
        message
    }

    /// The next message of the protocol.
    pub(crate) async fn hear_all(&mut self) -> Value {
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

    /// The next message of the protocol; `None` if the server closes instead.
    pub(crate) async fn hear_or_close(&mut self) -> Option<Value> {
        match self.receive().await {
            Message::Text(text) => Some(serde_json::from_str(&text).expect("messages are JSON")),
            _ => None,
        }
    }

    /// How the server closes, whatever it says before.
    pub(crate) async fn closed(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.receive().await {
                return frame.expect("a close frame has a code");
            }
        }
    }

    /// How the server closes without saying anything before.
    pub(crate) async fn closed_at_once(&mut self) -> CloseFrame {
        match self.receive().await {
            Message::Close(frame) => frame.expect("a close frame has a code"),
            other => panic!("the end was expected, not {other:?}"),
        }
    }

    pub(crate) async fn close_code(&mut self) -> u16 {
        self.closed().await.code.into()
    }

    /// Passes when all that was sent before was handled: messages are handled in order.
    pub(super) async fn handled(&mut self) {
        self.say(json!({"type": "ping"})).await;
        assert_eq!(self.hear().await, json!({"type": "pong"}));
    }
}

/// The default limits with one shortened.
pub(super) fn limits(shorten: impl FnOnce(&mut WebSocketLimits)) -> WebSocketLimits {
    let mut limits = WebSocketLimits::default();
    shorten(&mut limits);
    limits
}

pub(super) const SOON: Duration = Duration::from_millis(50);

/// Waits until no stream of `held` lives.
pub(super) async fn released(serving: &Serving) {
    let released = async {
        while serving.held.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, released)
        .await
        .expect("the streams are dropped");
}

/// A connection upgraded by hand, whose WebSocket nobody speaks.
pub(super) async fn raw_client(serving: &Serving) -> TcpStream {
    let socket = TcpStream::connect(serving.address);
    raw_upgrade(socket.await.expect("the server listens")).await
}

/// Upgrades a connection by hand.
pub(crate) async fn raw_upgrade(mut socket: TcpStream) -> TcpStream {
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

pub(crate) fn init() -> String {
    json!({"type": "connection_init", "payload": {"authorization": token()}}).to_string()
}

/// A text frame with a mask of zeros, as a client must send it.
pub(crate) fn masked(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("the text is short");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}
