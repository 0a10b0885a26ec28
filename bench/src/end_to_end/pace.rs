//! Commands at a steady rate, and the times until their events arrive.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep_until, timeout_at};

use crate::latencies::percentile;
use crate::subscriber::Heard;

/// Timeout of the wait for the last event, and the time for duplicates after it.
const PATIENCE: Duration = Duration::from_secs(20);
const AFTERMATH: Duration = Duration::from_millis(200);

/// A client that sends one command after the other, each about its own droplet.
pub(super) trait Commander {
    /// Sends a command. Returns the droplet and its version after the command.
    async fn command(&mut self) -> anyhow::Result<(String, u64)>;
}

/// The times from sending to receiving, in order.
pub(super) struct Times(Vec<Duration>);

impl Times {
    /// Returns a percentile, in milliseconds.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.0, percent)
    }
}

/// Sends commands at a rate, spread over the clients, and waits for their events.
///
/// A command that has to wait for the one before it counts from the time at which it was due.
///
/// # Errors
/// When a command is refused, or an event is lost, duplicated or out of order.
pub(super) async fn run<C: Commander>(
    commanders: &mut [C],
    heard: &mut UnboundedReceiver<Heard>,
    rate: u32,
    length: Duration,
) -> anyhow::Result<Times> {
    let interval = Duration::from_secs(1) / rate;
    let count = (length.as_secs_f64() * f64::from(rate)).ceil() as usize;
    let clients = commanders.len();
    let begun = Instant::now();
    let senders = commanders
        .iter_mut()
        .enumerate()
        .map(|(first, commander)| async move {
            let mut sent = Vec::new();
            for number in (first..count).step_by(clients) {
                let due = begun + interval * u32::try_from(number)?;
                let at = if Instant::now() < due {
                    sleep_until(due.into()).await;
                    // The timer may be late, which is nobody's fault.
                    Instant::now()
                } else {
                    due
                };
                let (droplet, version) = commander.command().await?;
                sent.push(((droplet, version), at));
            }
            anyhow::Ok(sent)
        });
    let receiving = receive(heard, count);
    let (sent, arrived) = tokio::try_join!(try_join_all(senders), receiving)?;
    let mut sent: HashMap<_, _> = sent.into_iter().flatten().collect();
    let mut times = Vec::with_capacity(count);
    for Heard {
        droplet,
        version,
        at,
        ..
    } in arrived
    {
        let sent = sent.remove(&(droplet, version));
        times.push(at - sent.context("an event arrived that was not sent, or arrived twice")?);
    }
    ensure!(sent.is_empty(), "{} events were lost", sent.len());
    times.sort_unstable();
    Ok(Times(times))
}

/// Receives this number of events, and waits a little longer for duplicates.
async fn receive(heard: &mut UnboundedReceiver<Heard>, count: usize) -> anyhow::Result<Vec<Heard>> {
    let mut arrived: Vec<Heard> = Vec::new();
    let mut versions: HashMap<String, u64> = HashMap::new();
    let mut until = Instant::now() + PATIENCE;
    while let Ok(Some(one)) = timeout_at(until.into(), heard.recv()).await {
        let before = versions.insert(one.droplet.clone(), one.version);
        ensure!(
            before.is_none_or(|before| before + 1 == one.version),
            "version {} of a droplet came after {before:?}",
            one.version
        );
        arrived.push(one);
        until = Instant::now()
            + if arrived.len() < count {
                PATIENCE
            } else {
                AFTERMATH
            };
    }
    Ok(arrived)
}
