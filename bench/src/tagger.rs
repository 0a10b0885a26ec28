//! A client that tags and untags one droplet in turn, over one connection with as little work as possible.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::http::Connection;
use crate::platform::Droplet;

/// A client with a droplet of its own.
pub(crate) struct Tagger {
    connection: Connection,
    droplet: String,
    /// The requests that tag and untag the droplet.
    requests: [Vec<u8>; 2],
    sent: usize,
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
struct Payload {
    droplet: Option<Changed>,
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
    pub(crate) async fn open(address: SocketAddr, droplet: &Droplet) -> anyhow::Result<Self> {
        let request = |kind: &str| {
            let query = format!(
                "mutation ($input: {kind}DropletInput!) {{ change: {}Droplet(input: $input) {{ \
                 droplet {{ version }} userErrors {{ message }} }} }}",
                kind.to_ascii_lowercase()
            );
            let input = json!({ "id": droplet.id, "tag": "bench" });
            let body = json!({ "query": query, "variables": { "input": input } }).to_string();
            format!(
                "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                droplet.authorization,
                body.len()
            )
            .into_bytes()
        };
        Ok(Self {
            connection: Connection::open(address).await?,
            droplet: droplet.id.clone(),
            requests: [request("Tag"), request("Untag")],
            sent: 0,
        })
    }

    /// Returns the id of the droplet.
    pub(crate) fn droplet(&self) -> &str {
        &self.droplet
    }

    /// Tags the droplet, or removes the tag again. Returns the version of the droplet after it.
    ///
    /// # Errors
    /// When the command is refused.
    pub(crate) async fn tag(&mut self) -> anyhow::Result<u64> {
        let request = &self.requests[self.sent % 2];
        self.sent += 1;
        let answer = self.connection.exchange(request).await?;
        let body = String::from_utf8_lossy(answer.body);
        ensure!(answer.status == 200, "a command is refused: {body}");
        let answer: Answer = serde_json::from_slice(answer.body)
            .with_context(|| format!("a command is refused: {body}"))?;
        let payload = answer.data.change;
        let changed = payload.droplet.context("a command is refused")?;
        Ok(changed.version.parse()?)
    }
}
