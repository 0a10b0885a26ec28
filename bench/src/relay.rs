//! The relay: how fast it drains a log to Kafka, and how soon a committed event can be read there.
//!
//! Other sides in the same run, on the same Kafka and Postgres:
//! - the limit is Kafka's own performance tool, in transactions, with records of the mean size of ours;
//! - the peer is Debezium with its event router, on an outbox table with the same rows.
//!
//! A drain lasts from the first message sent to the last commit that a `read_committed` reader sees. Afterwards all
//! messages are read and compared with the log: each event once, with its content, in the order of its partition.

mod debezium;
mod drain;
mod history;
mod latency;
mod performance_tool;
mod reader;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use event_store::incarnation;
use event_store::pool::{self, Purpose};
use testkit::kafka::TestKafka;

use self::debezium::Debezium;
use self::history::History;
use crate::report::{Bound, Report};
use crate::servers;
use crate::settings::Settings as Suite;

/// Events a second of the measurement of latency.
const EVENTS_PER_SECOND: u32 = 500;

const RATE: &str = "events/s";
const MILLIS: &str = "ms";
const PROCESSOR: &str = "us of processor";

/// Settings of `relay`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    suite: Suite,
    /// Number of events in the log [default: 100000, with --full 500000].
    #[arg(long)]
    events: Option<usize>,
}

/// The parts of a run.
struct Run<'a> {
    suite: &'a Suite,
    brokers: &'a str,
    kafka_libs: &'a Path,
}

/// Measures all sides, and writes the report.
///
/// # Errors
/// When a server fails, or an event is missing, doubled, altered or out of order.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let suite = &settings.suite;
    suite.create_dir()?;
    let run = Run {
        suite,
        brokers: suite.kafka.as_deref().context("--kafka is needed")?,
        kafka_libs: suite
            .kafka_libs
            .as_deref()
            .context("--kafka-libs is needed")?,
    };
    let count = settings
        .events
        .unwrap_or(if suite.full { 500_000 } else { 100_000 });
    servers::migrate(suite).await?;
    let owner = pool::connect(&suite.database_url, Purpose::Maintenance, 4).await?;
    let pool = pool::connect(&suite.database_url, Purpose::Commands, 8).await?;
    incarnation::ensure(&pool).await?;
    let history = Arc::new(History::record(&pool, count).await?);
    let mut report = Report::new("relay");
    report.add("message", "ours", "bytes", history.mean_bytes as f64);
    let drains = format!("drain of {count} events");
    let latency = format!("{EVENTS_PER_SECOND} events/s, commit to reader");
    // The broker compiles its code meanwhile.
    performance_tool::measure(&run, &history).await?;
    let mut peer = None;
    for round in 1..=suite.rounds {
        let ours = drain::ours(&run, &history).await?;
        report.add(&drains, "ours", RATE, ours.per_second);
        report.add(&drains, "ours", PROCESSOR, ours.processor_micros);
        let limit = performance_tool::measure(&run, &history).await?;
        report.add(&drains, "performance tool", RATE, limit);
        if let Some(peers) = &suite.peers {
            let mut debezium = Debezium::create(&run, peers, &owner).await?;
            let drained = debezium.drain(&history).await?;
            report.add(&drains, "debezium", RATE, drained);
            if round < suite.rounds {
                debezium.remove().await?;
            } else {
                // Its code is compiled by now.
                peer = Some(debezium);
            }
        }
    }
    // Afterwards, because the log grows.
    for _ in 0..suite.rounds {
        let measured = latency::ours(&run, &pool).await?;
        measured.add(&mut report, &latency, "ours");
        if let Some(debezium) = &peer {
            let measured = debezium.latency().await?;
            measured.add(&mut report, &latency, "debezium");
        }
    }
    if let Some(debezium) = peer {
        debezium.remove().await?;
    }
    goals(&mut report, &drains, &latency);
    report.finish(suite)
}

fn goals(report: &mut Report, drains: &str, latency: &str) {
    let rate = |side| report.median(drains, side, RATE);
    let (ours, limit, peer) = (rate("ours"), rate("performance tool"), rate("debezium"));
    let p99 = |side| report.median(&format!("{latency}, p99"), side, MILLIS);
    let (p99, peer_p99) = (p99("ours"), p99("debezium"));
    report.goal(
        "drain, of Kafka's performance tool",
        ours,
        limit,
        Bound::AtLeast(0.6),
    );
    report.goal("drain, of Debezium", ours, peer, Bound::AtLeast(3.0));
    report.goal(
        "latency p99, of Debezium",
        p99,
        peer_p99,
        Bound::AtMost(1.0 / 3.0),
    );
}

/// Creates topics of a run, as the relay does. They are deleted with the value.
async fn create_topics(run: &Run<'_>) -> TestKafka {
    let kafka = TestKafka::on(run.brokers.to_owned());
    kafka.make_topics().await;
    kafka
        .make_progress_topic(&[("cleanup.policy", "compact")])
        .await;
    kafka
}
