//! The memory of each process: idle, loaded, and after many events.
//!
//! The processes are `up`, and those of a distributed installation: `api`, `relay`, `project` and `work`. The load is
//! commands one after the other on many connections, with subscribers of another organization beside them. The peak
//! while loaded counts. At the end the read models must show the last command of each client.

mod distributed;
mod embedded;
mod load;

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::time::sleep;

use self::load::Load;
use crate::report::{Bound, Report};
use crate::resident;
use crate::settings::Settings as Suite;
use crate::{file_descriptors, servers};

const MIB: &str = "MiB";

/// Time after which a process without work holds no more memory than it keeps.
const SETTLED: Duration = Duration::from_secs(5);

/// Subscribers, and events: by default, and with `--full`.
const SUBSCRIBERS: usize = 100;
const MANY_SUBSCRIBERS: usize = 10_000;
const EVENTS: usize = 100_000;
const MANY_EVENTS: usize = 1_000_000;

/// The time that memory must not grow in, after the many events, with `--full`.
const LONG: Duration = Duration::from_secs(30 * 60);
/// The pause of a client between two commands meanwhile.
const PACE: Duration = Duration::from_millis(160);

/// The goals, in MiB.
const MOST_IDLE: f64 = 100.0;
const MOST_LOADED: f64 = 256.0;
const MOST_WITH_MANY_SUBSCRIBERS: f64 = 512.0;

/// Settings of `memory`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    suite: Suite,
}

/// A measured process.
struct Role {
    name: &'static str,
    process: u32,
}

/// Measures all processes, and writes the report.
///
/// # Errors
/// When a process fails, or a read model shows something else than was written.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let suite = &settings.suite;
    suite.create_dir()?;
    servers::write_key(&suite.dir)?;
    file_descriptors::allow(subscribers(suite))?;
    let kafka = suite.kafka.as_deref().context("--kafka is needed")?;
    let mut report = Report::new("memory");
    embedded::measure(suite, &mut report).await?;
    distributed::measure(suite, kafka, &mut report).await?;
    report.finish(suite)
}

/// Measures processes that serve at an address while they are idle, loaded and thereafter.
async fn measure(
    suite: &Suite,
    roles: &[Role],
    load: Load,
    report: &mut Report,
) -> anyhow::Result<()> {
    sleep(SETTLED).await;
    add(report, roles, "idle", resident::resident_kib)?;
    let mut load = load.begin().await?;
    load.commands(events(suite), None).await?;
    load.until_shown().await?;
    // The peak since the start.
    add(report, roles, "loaded", resident::peak_kib)?;
    sleep(SETTLED).await;
    add(report, roles, "after events", resident::resident_kib)?;
    if suite.full {
        let until = tokio::time::Instant::now() + LONG;
        load.commands(usize::MAX, Some((PACE, until))).await?;
        load.until_shown().await?;
        add(report, roles, "30 minutes later", resident::resident_kib)?;
    }
    for Role { name, .. } in roles {
        let most_loaded = match suite.full && matches!(*name, "up" | "api") {
            true => MOST_WITH_MANY_SUBSCRIBERS,
            false => MOST_LOADED,
        };
        for (state, most) in [("idle", MOST_IDLE), ("loaded", most_loaded)] {
            let figure = report.median(state, name, MIB);
            let goal = format!("{name}, {state}: of 1 MiB");
            report.goal(&goal, figure, Some(1.0), Bound::AtMost(most));
        }
        if suite.full {
            report.goal(
                &format!("{name}: 30 minutes later, of after events"),
                report.median("30 minutes later", name, MIB),
                report.median("after events", name, MIB),
                Bound::AtMost(1.1),
            );
        }
    }
    Ok(())
}

fn add(
    report: &mut Report,
    roles: &[Role],
    state: &str,
    read: fn(u32) -> anyhow::Result<u64>,
) -> anyhow::Result<()> {
    for Role { name, process } in roles {
        report.add(state, name, MIB, read(*process)? as f64 / 1024.0);
    }
    Ok(())
}

fn subscribers(suite: &Suite) -> usize {
    match suite.full {
        true => MANY_SUBSCRIBERS,
        false => SUBSCRIBERS,
    }
}

fn events(suite: &Suite) -> usize {
    match suite.full {
        true => MANY_EVENTS,
        false => EVENTS,
    }
}
