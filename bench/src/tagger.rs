//! A client that tags its droplets in turn, and then removes the tags, over one connection with as little work as
//! possible. It has several droplets, because a droplet with thousands of events is no ordinary one.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::http::Connection;
use crate::platform::Droplet;

/// A client with droplets of its own.
pub(crate) struct Tagger {
    connection: Connection,
    droplets: Vec<Tagged>,
    sent: usize,
}

struct Tagged {
    id: String,
    /// The requests that tag and untag the droplet.
    requests: [Vec<u8>; 2],
}

/// The result of a command.
pub(crate) struct Done {
    /// The droplet of the command.
    pub(crate) droplet: String,
    /// The version of the droplet after it.
    pub(crate) version: u64,
    /// The consistency token of the command.
    pub(crate) token: String,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    change: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    droplet: Option<Changed>,
    consistency_token: Option<String>,
}

#[derive(Deserialize)]
struct Changed {
    version: String,
}

impl Tagger {
    /// Opens the connection.
    ///
    /// # Errors
    /// When nobody listens at the address.
    pub(crate) async fn open(address: SocketAddr, droplets: &[Droplet]) -> anyhow::Result<Self> {
        let droplets = droplets.iter().map(|droplet| Tagged {
            id: droplet.id.clone(),
            requests: ["Tag", "Untag"].map(|kind| request(kind, droplet, address)),
        });
        Ok(Self {
            connection: Connection::open(address).await?,
            droplets: droplets.collect(),
            sent: 0,
        })
    }

    /// Tags the next droplet, or removes its tag again.
    ///
    /// # Errors
    /// When the command is refused.
    pub(crate) async fn tag(&mut self) -> anyhow::Result<Done> {
        let (round, next) = (
            self.sent / self.droplets.len(),
            self.sent % self.droplets.len(),
        );
        let droplet = &self.droplets[next];
        self.sent += 1;
        let answer = self.connection.exchange(&droplet.requests[round % 2]);
        let answer = answer.await?;
        let body = String::from_utf8_lossy(answer.body);
        ensure!(answer.status == 200, "a command is refused: {body}");
        let answer: Answer = serde_json::from_slice(answer.body)
            .with_context(|| format!("a command is refused: {body}"))?;
        let payload = answer.data.change;
        let refused = || format!("a command is refused: {body}");
        Ok(Done {
            droplet: droplet.id.clone(),
            version: payload.droplet.with_context(refused)?.version.parse()?,
            token: payload.consistency_token.with_context(refused)?,
        })
    }
}

/// Returns the bytes of a mutation's request.
fn request(kind: &str, droplet: &Droplet, address: SocketAddr) -> Vec<u8> {
    let query = format!(
        "mutation ($input: {kind}DropletInput!) {{ change: {}Droplet(input: $input) {{ \
         droplet {{ version }} consistencyToken userErrors {{ message }} }} }}",
        kind.to_ascii_lowercase()
    );
    let input = json!({ "id": droplet.id, "tag": "bench" });
    let body = json!({ "query": query, "variables": { "input": input } }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        droplet.authorization,
        body.len()
    );
    (head + &body).into_bytes()
}
