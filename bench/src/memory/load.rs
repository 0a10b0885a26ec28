//! Commands of clients, and subscribers beside them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::ensure;
use futures_util::future::try_join_all;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::platform::{provision, without_settings};
use crate::settings::Settings as Suite;
use crate::subscriber::{OURS, Subscriber, Target};
use crate::tagger::{Done, Tagger};

/// Clients that send commands, the droplets of each, and their organization.
const CLIENTS: usize = 32;
const DROPLETS: usize = 64;
const ORG: &str = "loaded";

/// Subscribers of one subject, and subjects of one organization: fewer than the WebSockets that they may have.
const OF_SUBJECT: usize = 250;
const SUBJECTS: usize = 20;

const CONNECTING: usize = 100;
const PATIENCE: Duration = Duration::from_secs(300);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A load that has not begun.
pub(super) struct Load {
    program: PathBuf,
    key: PathBuf,
    address: SocketAddr,
    subscribers: usize,
}

/// A load with its connections.
pub(super) struct Loading {
    client: Client,
    url: String,
    authorization: String,
    taggers: Vec<Tagger>,
    /// The last command of each client.
    last: Vec<Option<Done>>,
    _subscribers: JoinSet<()>,
}

impl Load {
    /// Describes a load of an API, whose key of tokens is in a file.
    pub(super) fn of(
        suite: &Suite,
        key: &Path,
        address: SocketAddr,
        subscribers: usize,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            program: suite.program.clone(),
            key: std::path::absolute(key)?,
            address,
            subscribers,
        })
    }

    /// Provisions the droplets of clients, and opens all connections.
    ///
    /// # Errors
    /// When a command is refused, or a subscriber does not listen.
    pub(super) async fn begin(self) -> anyhow::Result<Loading> {
        let client = Client::new();
        let url = format!("http://{}/graphql", self.address);
        let authorization = self.authorization(ORG, "operator", "client").await?;
        let mut taggers = Vec::new();
        for number in 0..CLIENTS {
            let names = (0..DROPLETS).map(|droplet| format!("bench-{number}-{droplet}"));
            let provision =
                async |name: String| provision(&client, &url, &authorization, &name).await;
            let droplets = try_join_all(names.map(provision)).await?;
            taggers.push(Tagger::open(self.address, &droplets).await?);
        }
        Ok(Loading {
            _subscribers: self.subscribers(&client, &url).await?,
            client,
            url,
            authorization,
            last: taggers.iter().map(|_| None).collect(),
            taggers,
        })
    }

    async fn subscribers(&self, client: &Client, url: &str) -> anyhow::Result<JoinSet<()>> {
        let (sender, mut heard) = mpsc::unbounded_channel();
        let mut subscribers = JoinSet::new();
        let connecting = Arc::new(Semaphore::new(CONNECTING));
        for first in (0..self.subscribers).step_by(OF_SUBJECT) {
            let subject = first / OF_SUBJECT;
            let org = format!("listening-{}", subject / SUBJECTS);
            let name = format!("subscriber-{subject}");
            let authorization = self.authorization(&org, "viewer", &name);
            let target = Arc::new(Target {
                url: format!("ws://{}/graphql", self.address),
                authorization: Some(authorization.await?),
                document: OURS,
                connecting: Arc::clone(&connecting),
            });
            for number in first..self.subscribers.min(first + OF_SUBJECT) {
                let (target, sender) = (Arc::clone(&target), sender.clone());
                subscribers.spawn(Subscriber::new(number, target, sender).listen());
            }
        }
        // All listen once each has received an event.
        let mut listening = vec![false; self.subscribers];
        let begun = Instant::now();
        for event in 0.. {
            for number in 0..self.subscribers.div_ceil(OF_SUBJECT * SUBJECTS) {
                let org = format!("listening-{number}");
                let authorization = self.authorization(&org, "operator", "client").await?;
                provision(client, url, &authorization, &format!("event-{event}")).await?;
            }
            sleep(Duration::from_secs(1)).await;
            while let Ok(one) = heard.try_recv() {
                listening[one.by] = true;
            }
            if listening.iter().all(|listens| *listens) {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "not all subscribers listen");
        }
        subscribers.spawn(async move { while heard.recv().await.is_some() {} });
        Ok(subscribers)
    }

    async fn authorization(&self, org: &str, role: &str, subject: &str) -> anyhow::Result<String> {
        let output = without_settings(&self.program)
            .arg("token")
            .arg("--key-file")
            .arg(&self.key)
            .args(["--org", org, "--role", role, "--subject", subject])
            .output()
            .await?;
        ensure!(output.status.success(), "no token is given");
        Ok(format!(
            "Bearer {}",
            String::from_utf8(output.stdout)?.trim()
        ))
    }
}

impl Loading {
    /// Sends commands on all connections, this many in all or until a time, with a pause after each.
    ///
    /// # Errors
    /// When a command is refused.
    pub(super) async fn commands(
        &mut self,
        count: usize,
        paced: Option<(Duration, Instant)>,
    ) -> anyhow::Result<()> {
        let sent = AtomicUsize::new(0);
        let clients = self.taggers.iter_mut().zip(&mut self.last);
        let clients = clients.map(async |(tagger, last)| {
            while sent.fetch_add(1, Ordering::Relaxed) < count {
                *last = Some(tagger.tag().await?);
                if let Some((pause, until)) = paced {
                    if Instant::now() > until {
                        break;
                    }
                    sleep(pause).await;
                }
            }
            anyhow::Ok(())
        });
        try_join_all(clients).await.map(drop)
    }

    /// Waits until the read models show the last command of each client.
    ///
    /// # Errors
    /// When they do not in time.
    pub(super) async fn until_shown(&self) -> anyhow::Result<()> {
        const DROPLET: &str = "query ($id: ID!) { droplet(id: $id) { version } }";
        let begun = Instant::now();
        for done in self.last.iter().flatten() {
            loop {
                let request = self.client.post(&self.url);
                let request = request.header("authorization", &self.authorization);
                let request = request.header("x-consistency-token", &done.token);
                let body = json!({ "query": DROPLET, "variables": { "id": done.droplet } });
                let answer: Value = request.json(&body).send().await?.json().await?;
                let version = answer["data"]["droplet"]["version"].as_str();
                if version == Some(&done.version.to_string()) {
                    break;
                }
                // The request itself waits for a while, and then fails.
                ensure!(
                    version.is_none() && begun.elapsed() < PATIENCE,
                    "a read model shows something else: {answer}"
                );
                sleep(POLL_INTERVAL).await;
            }
        }
        Ok(())
    }
}
