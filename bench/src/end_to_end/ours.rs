//! Our platform: mutations over HTTP, and a subscriber over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::pace::{self, Times};
use crate::platform::Platform;
use crate::settings::Settings as Suite;
use crate::subscriber::{Heard, OURS, Subscriber, Target};
use crate::tagger::Tagger;

/// Clients that send commands, and the droplets of each.
const CLIENTS: usize = 32;
const DROPLETS: usize = 16;

/// A platform with clients and a subscriber.
pub(super) struct Ours {
    platform: Platform,
    taggers: Vec<Tagger>,
    heard: UnboundedReceiver<Heard>,
    _subscriber: JoinSet<()>,
}

impl Ours {
    /// Starts the platform, embedded or through this Kafka.
    ///
    /// # Errors
    /// When it does not serve.
    pub(super) async fn start(suite: &Suite, kafka: Option<&str>) -> anyhow::Result<Self> {
        let mut flags = Platform::without_points();
        if let Some(kafka) = kafka {
            flags.extend(["--kafka".to_owned(), kafka.to_owned()]);
        }
        let platform = Platform::start_with(&suite.program, &flags).await?;
        let mut taggers = Vec::new();
        for number in 0..CLIENTS {
            let names = (0..DROPLETS).map(|droplet| format!("bench-{number}-{droplet}"));
            let droplets = names.map(async |name| platform.provision(&name).await);
            let droplets = try_join_all(droplets).await?;
            taggers.push(Tagger::open(platform.address(), &droplets).await?);
        }
        let (sender, mut heard) = mpsc::unbounded_channel();
        let target = Arc::new(Target {
            url: platform.websocket_url(),
            authorization: Some(platform.authorization()),
            document: OURS,
            connecting: Arc::new(Semaphore::new(1)),
        });
        let mut subscriber = JoinSet::new();
        subscriber.spawn(Subscriber::new(0, target, sender).listen());
        while !listens(&mut taggers[0], &mut heard).await? {}
        Ok(Self {
            platform,
            taggers,
            heard,
            _subscriber: subscriber,
        })
    }

    /// Sends commands at a rate.
    ///
    /// # Errors
    /// When a command is refused, or an event is lost, duplicated or out of order.
    pub(super) async fn run(&mut self, rate: u32, length: Duration) -> anyhow::Result<Times> {
        pace::run(&mut self.taggers, &mut self.heard, rate, length).await
    }

    /// Stops the platform.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.platform.stop().await
    }
}

/// Sends a command; returns true if the subscriber received its event in time. Then it has received all earlier ones.
async fn listens(
    tagger: &mut Tagger,
    heard: &mut UnboundedReceiver<Heard>,
) -> anyhow::Result<bool> {
    let until = Instant::now() + Duration::from_secs(1);
    let sent = tagger.tag().await?;
    while let Ok(Some(one)) = timeout_at(until, heard.recv()).await {
        if (&one.droplet, one.version) == (&sent.droplet, sent.version) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl pace::Commander for Tagger {
    async fn command(&mut self) -> anyhow::Result<(String, u64)> {
        let done = self.tag().await?;
        Ok((done.droplet, done.version))
    }
}
