//! The time from sending a mutation to receiving its event over a subscription, at several rates.
//!
//! The sides are `clustergenie up`, which follows its log directly, the same through Kafka, and a floor in the same
//! run: a server that does nothing but `INSERT`, commit and `NOTIFY`, `SELECT`, and one WebSocket frame. Every event
//! must arrive once, and in the order of versions of its droplet. The sides take turns.

mod floor;
mod ours;
mod pace;

use std::time::Duration;

use anyhow::Context;
use clap::Args;

use self::floor::Floor;
pub(crate) use self::floor::{Settings as FloorSettings, serve as serve_floor};
use self::ours::Ours;
use self::pace::Times;
use crate::report::{Bound, Report};
use crate::settings::Settings as Suite;

const P50: &str = "ms (p50)";
const P99: &str = "ms (p99)";

const EMBEDDED: &str = "embedded";
const KAFKA: &str = "through Kafka";
const FLOOR: &str = "floor";

/// The rate and the duration of the commands before anything is measured.
const WARM_UP_RATE: u32 = 50;
const WARM_UP: Duration = Duration::from_secs(2);

/// Settings of `end-to-end`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    suite: Suite,
    /// Commands a second, separated by commas.
    #[arg(long, default_value = "1,50,200,500", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rates: Vec<u32>,
}

/// Measures all sides, and writes the report.
///
/// # Errors
/// When a server fails, or an event is lost, duplicated or out of order.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let suite = &settings.suite;
    suite.create_dir()?;
    let kafka = suite.kafka.as_deref().context("--kafka is needed")?;
    let mut embedded = Ours::start(suite, None).await?;
    let mut distributed = Ours::start(suite, Some(kafka)).await?;
    let mut floor = Floor::start(suite).await?;
    embedded.run(WARM_UP_RATE, WARM_UP).await?;
    distributed.run(WARM_UP_RATE, WARM_UP).await?;
    floor.run(WARM_UP_RATE, WARM_UP).await?;
    let mut report = Report::new("end-to-end");
    for _ in 0..suite.rounds {
        for &rate in &settings.rates {
            // Fast rates show as much in half the time.
            let length = suite.length() / if rate == 1 { 1 } else { 2 };
            add(&mut report, rate, FLOOR, &floor.run(rate, length).await?);
            add(
                &mut report,
                rate,
                EMBEDDED,
                &embedded.run(rate, length).await?,
            );
            add(
                &mut report,
                rate,
                KAFKA,
                &distributed.run(rate, length).await?,
            );
        }
    }
    for &rate in &settings.rates {
        for (side, unit, most) in [
            (EMBEDDED, P50, 3.0),
            (EMBEDDED, P99, 5.0),
            (KAFKA, P50, 6.0),
            (KAFKA, P99, 10.0),
        ] {
            report.goal(
                &format!("{}: {side}, {unit}, of the floor", name(rate)),
                report.median(&name(rate), side, unit),
                report.median(&name(rate), FLOOR, unit),
                Bound::AtMost(most),
            );
        }
    }
    embedded.stop().await?;
    distributed.stop().await?;
    report.finish(suite)
}

fn add(report: &mut Report, rate: u32, side: &str, times: &Times) {
    report.add(&name(rate), side, P50, times.percentile(50));
    report.add(&name(rate), side, P99, times.percentile(99));
}

fn name(rate: u32) -> String {
    format!("{rate} commands/s")
}
