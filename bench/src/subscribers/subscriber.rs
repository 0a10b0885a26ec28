//! A subscriber over `graphql-transport-ws` that always reconnects.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

const DOCUMENT: &str = "subscription ($after: String) { dropletChanged(after: $after) { cursor \
    event { type version } droplet { resourceId name status tags } } }";

/// Delay before a reconnect.
const PAUSE: Duration = Duration::from_millis(200);

/// Timeout of a connection attempt.
const PATIENCE: Duration = Duration::from_secs(10);

/// A received event.
pub(super) struct Heard {
    /// The number of the subscriber.
    pub(super) by: usize,
    /// The version of the droplet after the event.
    pub(super) version: u64,
    /// The time of the event's arrival.
    pub(super) at: Instant,
}

/// A subscriber that reports the events that it receives.
pub(super) struct Subscriber {
    number: usize,
    url: String,
    authorization: String,
    /// The last cursor, or the token of the write after which the subscriber starts.
    after: String,
    heard: UnboundedSender<Heard>,
}

impl Subscriber {
    /// Creates a subscriber that starts after the write of a token.
    pub(super) fn new(
        number: usize,
        url: String,
        authorization: String,
        token: &str,
        heard: UnboundedSender<Heard>,
    ) -> Self {
        Self {
            number,
            url,
            authorization,
            after: token.to_owned(),
            heard,
        }
    }

    /// Receives events. Never returns: each new connection resumes after the last cursor.
    pub(super) async fn listen(mut self) {
        loop {
            let Err(_) = self.connection().await;
            sleep(PAUSE).await;
        }
    }

    async fn connection(&mut self) -> anyhow::Result<Infallible> {
        let mut request = self.url.as_str().into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = timeout(PATIENCE, connect_async(request)).await??;
        let payload = json!({ "authorization": self.authorization });
        let init = json!({ "type": "connection_init", "payload": payload });
        socket.send(Message::text(init.to_string())).await?;
        loop {
            let message = socket.next().await.context("the connection is closed")??;
            let at = Instant::now();
            let Message::Text(text) = message else {
                continue;
            };
            let message: Value = serde_json::from_str(&text)?;
            let answer = match message["type"].as_str().unwrap_or_default() {
                "next" => {
                    self.hear(&message["payload"]["data"]["dropletChanged"], at)?;
                    continue;
                }
                "connection_ack" => {
                    let variables = json!({ "after": self.after });
                    let payload = json!({ "query": DOCUMENT, "variables": variables });
                    json!({ "type": "subscribe", "id": "1", "payload": payload })
                }
                "ping" => json!({ "type": "pong" }),
                "pong" => continue,
                _ => bail!("the subscription has ended: {text}"),
            };
            socket.send(Message::text(answer.to_string())).await?;
        }
    }

    fn hear(&mut self, change: &Value, at: Instant) -> anyhow::Result<()> {
        let version = change["event"]["version"].as_str();
        let version = version.context("a payload has no event")?.parse()?;
        let cursor = change["cursor"].as_str();
        self.after = cursor.context("a payload has no cursor")?.to_owned();
        let by = self.number;
        self.heard.send(Heard { by, version, at })?;
        Ok(())
    }
}
