//! Our platform with subscribers: `clustergenie up` with its defaults.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::time::{sleep, sleep_until};

use super::crowd::{Crowd, Deliveries, Sent};
use super::{APART, Measured};
use crate::platform::{Droplet, Platform};
use crate::resident;
use crate::settings::Settings as Suite;
use crate::subscriber::{OURS, Target};

/// Subscribers of one subject, and subjects of one organization: fewer than the WebSockets that they may have.
const OF_SUBJECT: usize = 250;
const SUBJECTS: usize = 20;

/// Number of connections that are opened at once.
const CONNECTING: usize = 100;

/// Timeout of the subscribers for listening, and the interval between two events that show it.
const PATIENCE: Duration = Duration::from_secs(120);
const LISTEN_INTERVAL: Duration = Duration::from_secs(2);

/// Events before anything is measured. An even number leaves the droplet without tags.
const WARM_UP: usize = 20;

/// Time after which a server without work holds no more memory than it keeps.
const SETTLED: Duration = Duration::from_secs(2);

/// The subscribers of an organization, and the droplet that they follow.
pub(super) struct Followed {
    pub(super) droplet: Droplet,
    pub(super) crowd: Crowd,
    targets: Vec<Arc<Target>>,
}

/// Measures deliveries to a number of subscribers. No organization may have all of 10,000, so each has a part, with
/// the same number of events.
pub(super) async fn deliver(suite: &Suite, subscribers: usize) -> anyhow::Result<Measured> {
    let platform = Platform::start(&suite.program).await?;
    let measured = measure(&platform, suite, subscribers).await;
    platform.stop().await?;
    measured
}

async fn measure(
    platform: &Platform,
    suite: &Suite,
    subscribers: usize,
) -> anyhow::Result<Measured> {
    let process = platform.process()?;
    let mut all = Vec::new();
    for number in 0..subscribers.div_ceil(OF_SUBJECT * SUBJECTS) {
        all.push(Followed::prepare(platform, &format!("org-{number}")).await?);
    }
    let each = subscribers / all.len();
    // What the process allocates once is no subscriber's.
    for followed in &mut all {
        followed.join(1);
        followed.send(platform, WARM_UP, Duration::ZERO).await?;
        followed.listen(platform).await?;
    }
    sleep(SETTLED).await;
    let before = resident::resident_kib(process)?;
    for followed in &mut all {
        followed.join(each - 1);
        followed.listen(platform).await?;
    }
    let events = usize::from(suite.seconds) * 10;
    let runs = all.iter_mut().map(|followed| async move {
        let sent = followed.send(platform, events, APART).await?;
        followed.crowd.receive(&sent).await
    });
    let delivered = Deliveries::of_all(try_join_all(runs).await?);
    let peak = resident::peak_kib(process)?;
    Ok(Measured::of(&delivered, before, peak, subscribers))
}

impl Followed {
    /// Provisions the droplet of an organization, which nobody follows yet.
    ///
    /// # Errors
    /// When the platform refuses it.
    pub(super) async fn prepare(platform: &Platform, org: &str) -> anyhow::Result<Self> {
        let connecting = Arc::new(Semaphore::new(CONNECTING));
        let mut targets = Vec::new();
        for number in 0..SUBJECTS {
            let subject = format!("subscriber-{number}");
            let token = platform.token_of(org, "viewer", &subject).await?;
            targets.push(Arc::new(Target {
                url: platform.websocket_url(),
                authorization: Some(format!("Bearer {token}")),
                document: OURS,
                connecting: Arc::clone(&connecting),
            }));
        }
        Ok(Self {
            droplet: platform.provision_in(org, "bench").await?,
            crowd: Crowd::new(),
            targets,
        })
    }

    /// Adds subscribers, at most 5,000 in all.
    pub(super) fn join(&mut self, subscribers: usize) {
        for _ in 0..subscribers {
            let subject = self.crowd.count() / OF_SUBJECT;
            self.crowd.join(&self.targets[subject]);
        }
    }

    /// Returns when all subscribers listen: when all receive an event.
    ///
    /// # Errors
    /// When one does not.
    pub(super) async fn listen(&mut self, platform: &Platform) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            self.send(platform, 2, Duration::ZERO).await?;
            if self.crowd.all_hear(LISTEN_INTERVAL).await {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "not all subscribers listen");
        }
    }

    /// Sends events, which tag and untag the droplet in turn. Returns what was sent, by version.
    ///
    /// # Errors
    /// When the platform refuses one.
    pub(super) async fn send(
        &self,
        platform: &Platform,
        events: usize,
        apart: Duration,
    ) -> anyhow::Result<HashMap<u64, Sent>> {
        let mut sent = HashMap::new();
        let begun = tokio::time::Instant::now();
        for number in 0..events {
            sleep_until(begun + apart * u32::try_from(number)?).await;
            let (version, sent_one) = self.send_one(platform, number).await?;
            sent.insert(version, sent_one);
        }
        Ok(sent)
    }

    /// Sends the event with this number, from 0. Returns its version, too.
    ///
    /// # Errors
    /// When the platform refuses it.
    pub(super) async fn send_one(
        &self,
        platform: &Platform,
        number: usize,
    ) -> anyhow::Result<(u64, Sent)> {
        let (at, tags) = (Instant::now(), (number + 1) % 2);
        let version = match tags {
            0 => platform.untag(&self.droplet, "bench").await?,
            _ => platform.tag(&self.droplet, "bench").await?,
        };
        let tags = Some(tags);
        Ok((version, Sent { at, tags }))
    }
}
