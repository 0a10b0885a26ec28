//! A subscriber over `graphql-transport-ws` that never gives up: whatever ends a connection, the next
//! one, to any API process, goes on after the last cursor.

use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use uuid::Uuid;

use crate::api::Api;
use crate::difference::Differences;
use crate::random::Random;

/// How long the server may take to let a connection in.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing may come until the connection is believed to be dead.
const SILENCE: Duration = Duration::from_secs(20);

/// How long a connection lasts at least and at most before the subscriber itself drops it, as networks
/// do, in milliseconds.
const LASTS: (u64, u64) = (5_000, 60_000);

/// What a subscriber wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Everything.
    Events,
    /// Events of these types.
    EventTypes(Vec<String>),
    /// What happens to droplets.
    Droplets,
    /// Only when the droplet then has one of these statuses.
    DropletStatus(Vec<String>),
    /// What happens to one droplet.
    Droplet(Uuid),
    /// What happens to jobs of these kinds.
    JobKind(Vec<String>),
    /// Only when the job then has one of these statuses.
    JobStatus(Vec<String>),
}

/// An event that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Seen {
    pub(crate) position: i64,
    pub(crate) stream: Uuid,
    pub(crate) version: i64,
    /// The version of the droplet or job that came with it.
    pub(crate) shown: Option<i64>,
}

/// What a subscriber saw.
#[derive(Debug)]
pub(crate) struct Notebook {
    pub(crate) name: String,
    pub(crate) filter: Filter,
    kept: Mutex<Kept>,
    reconnect: Notify,
}

#[derive(Debug)]
struct Kept {
    file: File,
    seen: Vec<Seen>,
    connections: u64,
}

impl Notebook {
    /// An empty one in a new file.
    pub(crate) fn new(folder: &Path, number: usize, filter: Filter) -> anyhow::Result<Self> {
        let name = format!("subscriber-{number} ({filter:?})");
        let file = File::create_new(folder.join(format!("subscriber-{number}.jsonl")))?;
        let kept = Kept {
            file,
            seen: Vec::new(),
            connections: 0,
        };
        Ok(Self {
            name,
            filter,
            kept: Mutex::new(kept),
            reconnect: Notify::new(),
        })
    }

    /// Everything that came, in the order in which it came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.locked().seen.clone()
    }

    /// How many events came.
    pub(crate) fn len(&self) -> usize {
        self.locked().seen.len()
    }

    /// How often it was connected.
    pub(crate) fn connections(&self) -> u64 {
        self.locked().connections
    }

    /// Makes the subscriber drop its connection and go on with another one.
    pub(crate) fn reconnect(&self) {
        self.reconnect.notify_one();
    }

    fn note(&self, seen: Seen) -> anyhow::Result<()> {
        let mut kept = self.locked();
        writeln!(kept.file, "{}", serde_json::to_string(&seen)?)?;
        kept.seen.push(seen);
        Ok(())
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no holder panics")
    }
}

/// A subscriber.
pub(crate) struct Subscriber {
    api: Arc<Api>,
    random: Random,
    notebook: Arc<Notebook>,
    /// The last cursor, or the token of the write after which everything is wanted.
    after: String,
    differences: Differences,
}

impl Subscriber {
    /// A subscriber that begins after the write of a token.
    pub(crate) fn new(
        api: Arc<Api>,
        random: Random,
        notebook: Arc<Notebook>,
        token: &str,
        differences: Differences,
    ) -> Self {
        let after = token.to_owned();
        Self {
            api,
            random,
            notebook,
            after,
            differences,
        }
    }

    /// Listens for ever.
    pub(crate) async fn listen(mut self) -> anyhow::Result<()> {
        let mut process = self.random.below(self.api.processes());
        loop {
            let lasts = self.random.millis(LASTS.0, LASTS.1);
            let notebook = Arc::clone(&self.notebook);
            // However it ended, the next one goes on.
            tokio::select! {
                _ = timeout(lasts, self.connection(process)) => {}
                () = notebook.reconnect.notified() => {}
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
        let (mut socket, _) = timeout(PATIENCE, connect_async(request)).await??;
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
                    self.notebook.locked().connections += 1;
                    let payload = self.notebook.filter.operation(&self.after);
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
            // Every cursor that was given out must stay good.
            if code != "UNAVAILABLE" && code != "NOT_YET_CONSISTENT" {
                let name = &self.notebook.name;
                let what = format!("{name} was told, after `{}`: {error}", self.after);
                self.differences.note("subscribers", what);
            }
            bail!("the subscription has ended: {error}");
        }
        let change = self.notebook.filter.change(payload);
        let event = &change["event"];
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok());
        let id = event["resourceId"].as_str().unwrap_or_default();
        let seen = Seen {
            position: number(&event["position"]).context("a payload has no position")?,
            stream: id.rsplit(':').next().unwrap_or_default().parse()?,
            version: number(&event["version"]).context("a payload has no version")?,
            shown: number(&change["node"]["version"]),
        };
        self.notebook.note(seen)?;
        let cursor = change["cursor"].as_str();
        self.after = cursor.context("a payload has no cursor")?.to_owned();
        Ok(())
    }
}

impl Filter {
    /// The filters of a run's subscribers, of which one follows this droplet.
    pub(crate) fn all(droplet: Uuid) -> Vec<Self> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        vec![
            Self::Events,
            Self::Events,
            Self::EventTypes(texts(&[
                "droplet_requested",
                "job_succeeded",
                "droplet_renamed",
            ])),
            Self::Droplets,
            Self::DropletStatus(texts(&["ACTIVE", "DELETED"])),
            Self::Droplet(droplet),
            Self::JobKind(texts(&["provision", "batch"])),
            Self::JobStatus(texts(&["SUCCEEDED", "CANCELLED"])),
        ]
    }

    fn operation(&self, after: &str) -> Value {
        const EVENT: &str = "cursor event { position resourceId version }";
        let (variables, field, node) = match self {
            Self::Events => (json!({}), "eventRecorded(after: $after)", None),
            Self::EventTypes(types) => (
                json!({ "types": types }),
                "eventRecorded(types: $types, after: $after)",
                None,
            ),
            Self::Droplets => (json!({}), "dropletChanged(after: $after)", Some("droplet")),
            Self::DropletStatus(statuses) => (
                json!({ "status": statuses }),
                "dropletChanged(statuses: $status, after: $after)",
                Some("droplet"),
            ),
            Self::Droplet(id) => (
                json!({ "id": format!("Droplet:{id}") }),
                "dropletChanged(id: $id, after: $after)",
                Some("droplet"),
            ),
            Self::JobKind(kinds) => (
                json!({ "kinds": kinds }),
                "jobChanged(kinds: $kinds, after: $after)",
                Some("job"),
            ),
            Self::JobStatus(statuses) => (
                json!({ "jobStatus": statuses }),
                "jobChanged(statuses: $jobStatus, after: $after)",
                Some("job"),
            ),
        };
        let node = match node {
            Some(node) => format!("node: {node} {{ version }}"),
            None => "node { ... on Droplet { version } ... on Job { version } }".to_owned(),
        };
        let declared: String = [
            ("types", "[String!]"),
            ("status", "[DropletStatus!]"),
            ("id", "ID"),
            ("kinds", "[String!]"),
            ("jobStatus", "[JobStatus!]"),
        ]
        .iter()
        .filter(|(name, _)| variables.get(name).is_some())
        .map(|(name, kind)| format!(", ${name}: {kind}"))
        .collect();
        let query =
            format!("subscription ($after: String{declared}) {{ {field} {{ {EVENT} {node} }} }}");
        let mut variables = variables;
        variables["after"] = json!(after);
        json!({ "query": query, "variables": variables })
    }

    fn change<'a>(&self, payload: &'a Value) -> &'a Value {
        let data = &payload["data"];
        match self {
            Self::Events | Self::EventTypes(_) => &data["eventRecorded"],
            Self::Droplets | Self::DropletStatus(_) | Self::Droplet(_) => &data["dropletChanged"],
            Self::JobKind(_) | Self::JobStatus(_) => &data["jobChanged"],
        }
    }
}
