//! The droplet that all clients write to, and the cluster that their droplets join.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use uuid::Uuid;

use super::workload::Shared;
use crate::api::Api;
use crate::ledger::{Answer, Attempt, Command, Effect, Ledger};
use crate::token::{self, Place};

/// Deadline of a command before the load.
const DEADLINE: Duration = Duration::from_secs(300);
/// Timeout of a request before the load.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The most droplets of the shared cluster: fewer than the clients want.
const MAX_NODES: u64 = 8;

/// The resources that all clients use.
#[derive(Debug)]
pub(crate) struct SharedResources {
    cluster: Place,
    /// The first event of the droplet.
    pub(crate) droplet: Place,
    /// The consistency token of the droplet's first event.
    pub(crate) token: String,
}

impl SharedResources {
    /// Creates the droplet and the cluster before the load.
    ///
    /// # Errors
    /// When a request is refused, or is not answered in time.
    pub(crate) async fn create(api: &Api, ledger: &Ledger, seed: u64) -> anyhow::Result<Self> {
        let cluster = json!({ "name": "shared", "maximumNodes": MAX_NODES });
        let droplet = json!({
            "name": "shared", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
            "provisioner": "AGENT",
        });
        let (cluster, _) = send(api, ledger, (seed, 'e'), "createCluster", cluster).await?;
        let (droplet, token) = send(api, ledger, (seed, 'f'), "provisionDroplet", droplet).await?;
        Ok(Self {
            cluster,
            droplet,
            token,
        })
    }

    /// The global ids of the resources.
    pub(crate) fn ids(&self) -> Shared {
        Shared {
            droplet: format!("Droplet:{}", self.droplet.stream),
            cluster: format!("Cluster:{}", self.cluster.stream),
        }
    }
}

/// Sends a command, with retries until it is answered, because the machine may be slow. `mark` is a
/// hexadecimal digit of this command only.
async fn send(
    api: &Api,
    ledger: &Ledger,
    (seed, mark): (u64, char),
    field: &'static str,
    input: Value,
) -> anyhow::Result<(Place, String)> {
    let command = Command {
        key: format!("{seed:x}-{field}-shared"),
        trace: format!("{seed:016x}{}", mark.to_string().repeat(16)),
        field,
        input,
        effect: Effect::Events,
    };
    let place = ledger.open(command.clone())?;
    let begun = Instant::now();
    let token = loop {
        let sent = ledger.now();
        let answer = api.send(0, &command, 0, REQUEST_TIMEOUT).await;
        let attempt = Attempt {
            api: 0,
            sent,
            ended: ledger.now(),
            answer: answer.clone(),
        };
        ledger.note(place, attempt)?;
        match answer {
            Answer::Acknowledged { token } => break token,
            Answer::Unknown { .. } if begun.elapsed() < DEADLINE => {}
            other => bail!("{field} failed before the load: {other:?}"),
        }
    };
    let places = token::places(&token).context("the token of a first command cannot be read")?;
    let written = *places
        .first()
        .context("the token of a first command names nothing")?;
    anyhow::ensure!(written.stream != Uuid::nil(), "{field} wrote nothing");
    Ok((written, token))
}
