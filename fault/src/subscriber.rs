//! A subscriber over `graphql-transport-ws` that always reconnects, to any API process, and resumes after its
//! last cursor.

mod filter;
mod log;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::api::Api;
use crate::difference::Differences;
use crate::random::Random;

pub(crate) use self::filter::Filter;
pub(crate) use self::log::{Seen, SubscriberLog};

/// Timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time without a message after which the connection counts as broken.
const SILENCE: Duration = Duration::from_secs(20);

/// Least and longest life of a connection in milliseconds, before the subscriber drops it as a network would.
const CONNECTION_LIFE: (u64, u64) = (5_000, 60_000);

/// A subscriber.
pub(crate) struct Subscriber {
    api: Arc<Api>,
    random: Random,
    log: Arc<SubscriberLog>,
    /// The last cursor, or the token of the write after which the subscriber starts.
    after: String,
    differences: Differences,
}

impl Subscriber {
    /// Creates a subscriber that starts after the write of a token.
    pub(crate) fn new(
        api: Arc<Api>,
        random: Random,
        log: Arc<SubscriberLog>,
        token: &str,
        differences: Differences,
    ) -> Self {
        let after = token.to_owned();
        Self {
            api,
            random,
            log,
            after,
            differences,
        }
    }

    /// Receives events. Returns only on an error.
    pub(crate) async fn listen(mut self) -> anyhow::Result<()> {
        let mut process = self.random.below(self.api.processes());
        loop {
            let lasts = self.random.millis(CONNECTION_LIFE.0, CONNECTION_LIFE.1);
            let log = Arc::clone(&self.log);
            // The next connection resumes, however this one ended.
            tokio::select! {
                _ = timeout(lasts, self.connection(process)) => {}
                () = log.reconnect_requested() => {}
            }
            sleep(self.random.millis(50, 500)).await;
            process = self.random.below(self.api.processes());
        }
    }

    async fn connection(&mut self, process: usize) -> anyhow::Result<Infallible> {
        let url = self.api.websocket_url(process);
        let mut request = url.as_str().into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = timeout(CONNECT_TIMEOUT, connect_async(request)).await??;
        let payload = json!({ "authorization": self.api.authorization() });
        let init = json!({ "type": "connection_init", "payload": payload });
        socket.send(Message::text(init.to_string())).await?;
        loop {
            let message = timeout(SILENCE, socket.next()).await?;
            let Message::Text(text) = message.context("the connection is closed")?? else {
                continue;
            };
            let message: Value = serde_json::from_str(&text)?;
            let answer = match message["type"].as_str().unwrap_or_default() {
                "next" => {
                    self.take(&message["payload"])?;
                    continue;
                }
                "connection_ack" => {
                    self.log.note_connection();
                    let payload = self.log.filter.operation(&self.after);
                    json!({ "type": "subscribe", "id": "1", "payload": payload })
                }
                "ping" => json!({ "type": "pong" }),
                "pong" => continue,
                _ => bail!("the subscription has ended: {text}"),
            };
            socket.send(Message::text(answer.to_string())).await?;
        }
    }

    fn take(&mut self, payload: &Value) -> anyhow::Result<()> {
        if let Some(error) = payload["errors"].get(0) {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            // Every cursor must stay valid.
            if code != "UNAVAILABLE" && code != "NOT_YET_CONSISTENT" {
                let name = &self.log.name;
                let what = format!("{name} was told, after `{}`: {error}", self.after);
                self.differences.note("subscribers", what);
            }
            bail!("the subscription has ended: {error}");
        }
        let change = self.log.filter.change(payload);
        let event = &change["event"];
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok());
        let id = event["resourceId"].as_str().unwrap_or_default();
        let seen = Seen {
            position: number(&event["position"]).context("a payload has no position")?,
            stream: id.rsplit(':').next().unwrap_or_default().parse()?,
            version: number(&event["version"]).context("a payload has no version")?,
            shown: number(&change["node"]["version"]),
        };
        self.log.note(seen)?;
        let cursor = change["cursor"].as_str();
        self.after = cursor.context("a payload has no cursor")?.to_owned();
        Ok(())
    }
}
