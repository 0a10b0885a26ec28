//! A subscriber to droplets over `graphql-transport-ws` that always reconnects, of our server or of a peer's.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// The fields of a change, which all servers send alike.
macro_rules! change {
    () => {
        "{ cursor event { type version } droplet { resourceId name status tags } } }"
    };
}

/// The document for our server.
pub(crate) const OURS: &str = concat!(
    "subscription ($after: String) { dropletChanged(after: $after) ",
    change!()
);

/// The document for a peer, which cannot resume.
pub(crate) const PEERS: &str = concat!("subscription { dropletChanged ", change!());

/// Delay before a reconnect.
const PAUSE: Duration = Duration::from_millis(200);

/// Timeout of a connection attempt.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bytes of the buffer of a connection: thousands of subscribers share the memory of this process.
const BUFFER: usize = 4 * 1024;

/// The server of subscribers, and the principal that they are.
pub(crate) struct Target {
    /// The address for WebSockets.
    pub(crate) url: String,
    /// The authorization, if the server wants one.
    pub(crate) authorization: Option<String>,
    /// The document of the subscription.
    pub(crate) document: &'static str,
    /// The number of connections that are opened at once: no server is flooded.
    pub(crate) connecting: Arc<Semaphore>,
}

/// A received event.
#[derive(Debug)]
pub(crate) struct Heard {
    /// The number of the subscriber.
    pub(crate) by: usize,
    /// The droplet of the event.
    pub(crate) droplet: String,
    /// The version of the droplet after the event.
    pub(crate) version: u64,
    /// The number of tags of the droplet that was sent.
    pub(crate) tags: usize,
    /// The time of the event's arrival.
    pub(crate) at: Instant,
}

/// A subscriber that reports the events that it receives.
pub(crate) struct Subscriber {
    number: usize,
    target: Arc<Target>,
    /// The last cursor; `None` before the first event.
    after: Option<String>,
    heard: UnboundedSender<Heard>,
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Next {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "dropletChanged")]
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    cursor: String,
    event: Event,
    droplet: Droplet,
}

#[derive(Deserialize)]
struct Event {
    version: String,
}

#[derive(Deserialize)]
struct Droplet {
    #[serde(rename = "resourceId")]
    id: String,
    tags: Vec<String>,
}

impl Subscriber {
    /// Creates a subscriber that starts now.
    pub(crate) fn new(number: usize, target: Arc<Target>, heard: UnboundedSender<Heard>) -> Self {
        Self {
            number,
            target,
            after: None,
            heard,
        }
    }

    /// Receives events. Never returns: each new connection resumes after the last cursor.
    pub(crate) async fn listen(mut self) {
        loop {
            let Err(_) = self.connection().await;
            sleep(PAUSE).await;
        }
    }

    async fn connection(&mut self) -> anyhow::Result<Infallible> {
        let target = Arc::clone(&self.target);
        let mut connecting = Some(target.connecting.acquire().await?);
        let mut request = target.url.as_str().into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0);
        let connected = connect_async_with_config(request, Some(config), true);
        let (mut socket, _) = timeout(PATIENCE, connected).await??;
        let payload = target
            .authorization
            .as_ref()
            .map(|authorization| json!({ "authorization": authorization }));
        let init = json!({ "type": "connection_init", "payload": payload.unwrap_or(json!({})) });
        socket.send(Message::text(init.to_string())).await?;
        loop {
            let message = socket.next().await.context("the connection is closed")??;
            let at = Instant::now();
            let Message::Text(text) = message else {
                continue;
            };
            let message: Received<'_> = serde_json::from_str(&text)?;
            let answer = match &*message.kind {
                "next" => {
                    let payload = message.payload.context("a message has no payload")?;
                    self.hear(payload.get(), at)?;
                    continue;
                }
                "connection_ack" => {
                    drop(connecting.take());
                    let variables = match &self.after {
                        Some(after) => json!({ "after": after }),
                        None => json!({}),
                    };
                    let payload = json!({ "query": target.document, "variables": variables });
                    json!({ "type": "subscribe", "id": "1", "payload": payload })
                }
                "ping" => json!({ "type": "pong" }),
                "pong" => continue,
                _ => bail!("the subscription has ended: {text}"),
            };
            socket.send(Message::text(answer.to_string())).await?;
        }
    }

    fn hear(&mut self, payload: &str, at: Instant) -> anyhow::Result<()> {
        let next: Next = serde_json::from_str(payload)
            .with_context(|| format!("a payload is wrong: {payload}"))?;
        let change = next.data.change;
        self.after = Some(change.cursor);
        self.heard.send(Heard {
            by: self.number,
            droplet: change.droplet.id,
            version: change.event.version.parse()?,
            tags: change.droplet.tags.len(),
            at,
        })?;
        Ok(())
    }
}
