//! A crowd of subscribers, and the count of what they receive.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::latencies::percentile;
use crate::subscriber::{Heard, Subscriber, Target};

/// Timeout of the wait for the next delivery, and the time for duplicates after the last one.
const PATIENCE: Duration = Duration::from_secs(60);
const AFTERMATH: Duration = Duration::from_secs(2);

/// Subscribers that listen.
pub(super) struct Crowd {
    count: usize,
    sender: UnboundedSender<Heard>,
    heard: UnboundedReceiver<Heard>,
    tasks: JoinSet<()>,
}

/// An event that was sent.
pub(super) struct Sent {
    /// The time of its command.
    pub(super) at: Instant,
    /// The number of tags of the droplet as of the event; `None` if the server shows a later state.
    pub(super) tags: Option<usize>,
}

/// The times of deliveries, in order.
pub(super) struct Deliveries(Vec<Duration>);

impl Crowd {
    /// Creates a crowd of nobody.
    pub(super) fn new() -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        Self {
            count: 0,
            sender,
            heard,
            tasks: JoinSet::new(),
        }
    }

    /// Adds a subscriber, which starts now.
    pub(super) fn join(&mut self, target: &Arc<Target>) {
        let (target, sender) = (Arc::clone(target), self.sender.clone());
        let subscriber = Subscriber::new(self.count, target, sender);
        self.tasks.spawn(subscriber.listen());
        self.count += 1;
    }

    /// Returns the number of subscribers.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Waits until every subscriber has received an event since the last call; returns false if one did not in time.
    pub(super) async fn all_hear(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut hearing = HashSet::new();
        while hearing.len() < self.count {
            match timeout_at(until.into(), self.heard.recv()).await {
                Ok(Some(heard)) => hearing.insert(heard.by),
                Ok(None) | Err(_) => return false,
            };
        }
        true
    }

    /// Waits until every subscriber has received these events.
    ///
    /// # Errors
    /// When one is lost, duplicated or wrong.
    pub(super) async fn receive(
        &mut self,
        sent: &HashMap<u64, Sent>,
    ) -> anyhow::Result<Deliveries> {
        let expected = self.count * sent.len();
        let mut seen = HashSet::new();
        let (mut times, mut duplicated) = (Vec::with_capacity(expected), 0);
        let mut until = Instant::now() + PATIENCE;
        while let Ok(Some(heard)) = timeout_at(until.into(), self.heard.recv()).await {
            // Others came before, and were received by `all_hear`.
            let Some(sent) = sent.get(&heard.version) else {
                continue;
            };
            if !seen.insert((heard.by, heard.version)) {
                duplicated += 1;
                continue;
            }
            ensure!(
                sent.tags.is_none_or(|tags| tags == heard.tags),
                "version {} was sent with {} tags",
                heard.version,
                heard.tags
            );
            times.push(heard.at - sent.at);
            until = Instant::now()
                + if times.len() == expected {
                    AFTERMATH
                } else {
                    PATIENCE
                };
        }
        ensure!(
            times.len() == expected && duplicated == 0,
            "{} of {expected} events were delivered, and {duplicated} of them again",
            times.len()
        );
        times.sort_unstable();
        Ok(Deliveries(times))
    }
}

impl Deliveries {
    /// Returns all of these.
    pub(super) fn of_all(all: Vec<Self>) -> Self {
        let mut times: Vec<_> = all.into_iter().flat_map(|one| one.0).collect();
        times.sort_unstable();
        Self(times)
    }

    /// Returns the number of deliveries.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns a percentile, in milliseconds.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.0, percent)
    }
}
