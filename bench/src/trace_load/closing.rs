//! The end of a load: the wait until read models show it, and the table of the platform's contents.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;
use super::player::Tally;

/// Time without progress of the read models after which the wait ends with an error.
const PATIENCE: Duration = Duration::from_secs(60);
/// Poll interval of the read models.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

const PROGRESS: &str = "query TraceProgress { platform { position projections { position } } }";
const SHOWN: &str =
    "query TraceShown($token: String!) { counts(consistentWith: $token) { __typename } }";
const COUNTS: &str = "query TraceCounts { counts { \
    dropletsByStatus { status count } jobsByStatus { status count } } }";

/// The contents of the platform after a load, and the cost of the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Closing {
    /// Droplets of the organization by status.
    pub(super) droplets: BTreeMap<String, i64>,
    /// Jobs of the organization by status.
    pub(super) jobs: BTreeMap<String, i64>,
    /// Tasks of the file.
    pub(super) rows: usize,
    /// Mutations that were answered.
    pub(super) mutations: u64,
    /// Mutations that were refused.
    pub(super) refused: u64,
    /// Requests that were retried.
    pub(super) retried: u64,
    /// Seconds until all mutations were answered.
    pub(super) seconds: f64,
    /// Seconds from then until the read models showed all mutations.
    pub(super) catch_up_seconds: f64,
    /// Mutations a second.
    pub(super) per_second: f64,
}

/// Waits until the read models have applied every answered mutation, regardless of other writers.
/// `last_tokens` are [`Tally::last_tokens`].
///
/// # Errors
/// When the read models make no progress, or the platform does not answer.
pub(super) async fn wait_for_read_models(
    client: &Client,
    last_tokens: impl IntoIterator<Item = &String>,
) -> anyhow::Result<()> {
    // Most events. The duration is unknown, but the read models must make progress.
    reach_position(client).await?;
    // The mutations that were answered last may have had no position. Once these tokens are shown, all have one.
    for token in last_tokens {
        client.send(SHOWN, json!({ "token": token })).await?;
    }
    reach_position(client).await
}

/// Waits until every read model has reached the present head of the log.
async fn reach_position(client: &Client) -> anyhow::Result<()> {
    let mut target = None;
    let mut before = None;
    let mut moved = Instant::now();
    loop {
        let data = client.send(PROGRESS, json!({})).await?;
        let platform: Platform = from(&data["platform"])?;
        let target = *target.get_or_insert(number(&platform.position)?);
        let reached = platform.reached()?;
        let missing: i64 = reached.iter().map(|at| (target - at).max(0)).sum();
        if missing == 0 {
            return Ok(());
        }
        if before != Some(missing) {
            moved = Instant::now();
        }
        if moved.elapsed() > PATIENCE {
            bail!(
                "everything was sent, but the read models have stood still for {} s before position \
                 {target}: see what the platform's /readyz says",
                PATIENCE.as_secs()
            );
        }
        before = Some(missing);
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Counts droplets and jobs.
///
/// # Errors
/// When the platform does not answer.
pub(super) async fn count(client: &Client) -> anyhow::Result<Counts> {
    let data = client.send(COUNTS, json!({})).await?;
    from(&data["counts"])
}

/// The platform's counts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    droplets_by_status: Vec<StatusCount>,
    jobs_by_status: Vec<StatusCount>,
}

impl Closing {
    /// Combines the parts into the closing table.
    pub(super) fn new(
        counts: Counts,
        rows: usize,
        tally: &Tally,
        retried: u64,
        times: Times,
    ) -> Self {
        let seconds = times.playing.as_secs_f64();
        Self {
            droplets: by_status(counts.droplets_by_status),
            jobs: by_status(counts.jobs_by_status),
            rows,
            mutations: tally.mutations,
            refused: tally.refused,
            retried,
            seconds,
            catch_up_seconds: times.catching_up.as_secs_f64(),
            per_second: tally.mutations as f64 / seconds.max(f64::MIN_POSITIVE),
        }
    }

    /// The table for people.
    pub(super) fn table(&self) -> String {
        let mut table = String::new();
        let mut section = |title: &str, lines: Vec<(String, String)>| {
            writeln!(table, "{title}").expect("writing to a string cannot fail");
            for (name, value) in lines {
                writeln!(table, "  {name:<22}{value:>10}")
                    .expect("writing to a string cannot fail");
            }
        };
        let statuses = |counts: &BTreeMap<String, i64>| {
            let lines = counts
                .iter()
                .map(|(status, count)| (status.to_lowercase(), count.to_string()));
            lines.collect()
        };
        section("droplets", statuses(&self.droplets));
        section("jobs", statuses(&self.jobs));
        let load = [
            ("rows", self.rows.to_string()),
            ("mutations", self.mutations.to_string()),
            ("refused", self.refused.to_string()),
            ("requests sent again", self.retried.to_string()),
            ("seconds", format!("{:.1}", self.seconds)),
            (
                "seconds to catch up",
                format!("{:.1}", self.catch_up_seconds),
            ),
            ("mutations a second", format!("{:.0}", self.per_second)),
        ];
        section(
            "load",
            load.map(|(name, value)| (name.to_owned(), value)).into(),
        );
        table
    }
}

/// The durations of the parts of a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// The time until all mutations were answered.
    pub(super) playing: Duration,
    /// The time from then until the read models showed all mutations.
    pub(super) catching_up: Duration,
}

#[derive(Debug, Deserialize)]
struct StatusCount {
    status: String,
    count: i64,
}

#[derive(Debug, Deserialize)]
struct Platform {
    position: String,
    projections: Vec<Projection>,
}

#[derive(Debug, Deserialize)]
struct Projection {
    position: String,
}

impl Platform {
    /// The positions up to which the read models have applied all events.
    fn reached(&self) -> anyhow::Result<Vec<i64>> {
        self.projections
            .iter()
            .map(|projection| number(&projection.position))
            .collect()
    }
}

fn number(position: &str) -> anyhow::Result<i64> {
    position
        .parse()
        .context("a position of the platform is not a number")
}

fn by_status(counts: Vec<StatusCount>) -> BTreeMap<String, i64> {
    counts
        .into_iter()
        .map(|counted| (counted.status, counted.count))
        .collect()
}

fn from<Answer: serde::de::DeserializeOwned>(value: &Value) -> anyhow::Result<Answer> {
    serde_json::from_value(value.clone()).context("the platform's answer has an unknown form")
}
