//! Subscribers beside each other: each of them receives each event, over a WebSocket of its own.
//!
//! The works are undisturbed deliveries, an idle platform, a platform that is killed, and a foreign write transaction
//! that stays open. A lost or duplicate event is an error. The peer is PostGraphile 5, whose subscribers follow
//! `NOTIFY` and read the row of each event, as its documentation shows. Both sides send the same payload to the same
//! subscribers, and the sides take turns.

mod crowd;
mod disturbed;
mod ours;
mod peer;

use std::time::Duration;

use clap::{Args, ValueEnum};

use self::crowd::Deliveries;
use self::disturbed::Fate;
use crate::file_descriptors;
use crate::report::{Bound, Report};
use crate::settings::Settings as Suite;

const P50: &str = "ms (p50)";
const P99: &str = "ms (p99)";
const PEAK: &str = "MiB (peak)";
const EACH: &str = "KiB each";
const DELIVERED: &str = "delivered";

/// Time between two events.
const APART: Duration = Duration::from_millis(100);

/// Numbers of subscribers: by default, and besides with `--full`.
const SUBSCRIBERS: usize = 1_000;
const MANY_SUBSCRIBERS: usize = 10_000;

/// Settings of `fan-out`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    suite: Suite,
    /// The works, separated by commas. All by default.
    #[arg(long, value_delimiter = ',', value_enum)]
    works: Vec<Work>,
}

/// The conditions in which events are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Nothing.
    Delivery,
    /// No event comes; the statements of the platform are counted.
    Idle,
    /// The platform is killed and restarted.
    Killed,
    /// A foreign write transaction stays open for a minute.
    OpenTransaction,
}

/// The figures of deliveries to a number of subscribers.
struct Measured {
    delivered: usize,
    p50: f64,
    p99: f64,
    peak_mib: f64,
    /// The growth of the server's memory for each subscriber, up to its peak.
    kib_each: f64,
}

impl Measured {
    /// Returns the figures of a run, from the memory of the server before it and at its peak, in KiB.
    fn of(delivered: &Deliveries, before: u64, peak: u64, subscribers: usize) -> Self {
        Self {
            delivered: delivered.count(),
            p50: delivered.percentile(50),
            p99: delivered.percentile(99),
            peak_mib: peak as f64 / 1024.0,
            kib_each: peak.saturating_sub(before) as f64 / subscribers as f64,
        }
    }
}

/// Measures all works, and writes the report.
///
/// # Errors
/// When a server fails, or an event is lost, duplicated or wrong.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let suite = &settings.suite;
    suite.create_dir()?;
    file_descriptors::allow(if suite.full {
        MANY_SUBSCRIBERS
    } else {
        SUBSCRIBERS
    })?;
    let mut report = Report::new("fan-out");
    if settings.has(Work::Delivery) {
        let peer = match &suite.peers {
            Some(peers) => Some(peer::Peer::prepare(suite, peers).await?),
            None => None,
        };
        for _ in 0..suite.rounds {
            deliver(suite, peer.as_ref(), SUBSCRIBERS, &mut report).await?;
        }
        if suite.full {
            deliver(suite, None, MANY_SUBSCRIBERS, &mut report).await?;
        }
        goals(&mut report);
    }
    if settings.has(Work::Idle) {
        disturbed::idle(suite, &mut report).await?;
    }
    for (work, fate) in [
        (Work::Killed, Fate::Killed),
        (Work::OpenTransaction, Fate::BesideOpenTransaction),
    ] {
        if settings.has(work) {
            disturbed::measure(suite, fate, &mut report).await?;
        }
    }
    report.finish(suite)
}

impl Settings {
    fn has(&self, work: Work) -> bool {
        self.works.is_empty() || self.works.contains(&work)
    }
}

async fn deliver(
    suite: &Suite,
    peer: Option<&peer::Peer>,
    subscribers: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    add(
        report,
        subscribers,
        "ours",
        &ours::deliver(suite, subscribers).await?,
    );
    if let Some(peer) = peer {
        add(
            report,
            subscribers,
            peer::NAME,
            &peer.deliver(suite, subscribers).await?,
        );
    }
    Ok(())
}

fn add(report: &mut Report, subscribers: usize, side: &str, measured: &Measured) {
    let work = name(subscribers);
    report.add(&work, side, DELIVERED, measured.delivered as f64);
    report.add(&work, side, P50, measured.p50);
    report.add(&work, side, P99, measured.p99);
    report.add(&work, side, PEAK, measured.peak_mib);
    report.add(&work, side, EACH, measured.kib_each);
}

fn name(subscribers: usize) -> String {
    format!("{subscribers} subscribers")
}

fn goals(report: &mut Report) {
    let work = name(SUBSCRIBERS);
    for (what, unit) in [("p99 of delivery", P99), ("peak memory", PEAK)] {
        report.goal(
            &format!("{work}: {what}, of {}", peer::NAME),
            report.median(&work, "ours", unit),
            report.median(&work, peer::NAME, unit),
            Bound::AtMost(1.0 / 3.0),
        );
    }
    for subscribers in [SUBSCRIBERS, MANY_SUBSCRIBERS] {
        let work = name(subscribers);
        report.goal(
            &format!("{work}: memory of a subscriber, of 1 KiB"),
            report.median(&work, "ours", EACH),
            Some(1.0),
            Bound::AtMost(40.0),
        );
    }
}
