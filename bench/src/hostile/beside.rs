//! The duration of a good client's query while others send hostile documents.
//!
//! The program runs as a separate process with its Postgres, and the clients in this process, on the same
//! processors. The hostile clients have their own connections and token. The good client sends its query
//! again as soon as it is answered, on one connection. All limits have their defaults, so a flood of hostile
//! documents is soon refused for lack of points.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use reqwest::Client;
use serde_json::{Value, json};
use testkit::hostile;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::latencies::percentile;
use crate::platform::Platform;

/// Number of hostile connections.
const CONNECTIONS: usize = 4;

/// Number of good queries for each row, for which its own subject has enough points.
const QUERIES: usize = 900;

/// Number of droplets, all of which the good query lists.
const DROPLETS: usize = 50;

/// A typical query of a page that lists droplets.
const QUERY: &str = "{ droplets(first: 50) { totalCount pageInfo { hasNextPage endCursor } nodes { \
    id name status size region tags addresses { kind ip } createdAt } } }";

/// The rate of hostile documents.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// A number per second, over all connections.
    Steady(u32),
    /// The next document as soon as the last one is refused.
    Flood,
}

/// Prints the duration of the good query, alone and beside hostile documents.
///
/// # Errors
/// When the program cannot be started, or an answer is wrong.
pub(super) async fn run(program: &Path) -> anyhow::Result<()> {
    let platform = Platform::start(program).await?;
    let measured = measure(&platform).await;
    platform.stop().await?;
    measured
}

async fn measure(platform: &Platform) -> anyhow::Result<()> {
    let mut last = String::new();
    for number in 0..DROPLETS {
        last = platform.provision(&format!("bench-{number}")).await?.token;
    }
    let good = async |row: &str| {
        let token = platform.token_of(&format!("good beside {row}")).await?;
        anyhow::Ok(Asking::new(platform, token))
    };
    let hostile = Asking::new(platform, platform.token_of("hostile").await?);
    let shown = format!("{{ droplets(first: 1, consistentWith: {last:?}) {{ totalCount }} }}");
    good("setting up").await?.send(&shown).await?;
    println!("{QUERIES} queries for {DROPLETS} droplets, {CONNECTIONS} hostile connections");
    println!("   p50 ms    p99 ms  hostile/s  beside");
    let alone = row("nothing", &good("nothing").await?, None).await?;
    for pace in [Pace::Steady(100), Pace::Steady(500), Pace::Flood] {
        let name = format!("{pace:?}");
        let good = good(&name).await?;
        let beside = row(&name, &good, Some((&hostile, pace))).await?;
        println!("{:>20.2} times the p99 alone", beside / alone);
    }
    // The machine may have changed meanwhile.
    let good = good("nothing again").await?;
    row("nothing, again", &good, None).await?;
    Ok(())
}

/// Measures a row of the table and returns its p99.
async fn row(name: &str, good: &Asking, hostile: Option<(&Asking, Pace)>) -> anyhow::Result<f64> {
    let refused = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    if let Some((asking, pace)) = hostile {
        for number in 0..CONNECTIONS {
            senders.spawn(send(asking.clone(), pace, number, Arc::clone(&refused)));
        }
    }
    let started = Instant::now();
    let mut times = Vec::with_capacity(QUERIES);
    for _ in 0..QUERIES {
        let sent = Instant::now();
        good.ask().await?;
        times.push(sent.elapsed());
    }
    let rate = refused.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    // The others are aborted only below: one that has ended failed.
    while let Some(ended) = senders.try_join_next() {
        ended??;
    }
    times.sort_unstable();
    let p99 = percentile(&times, 99);
    let p50 = percentile(&times, 50);
    println!("{p50:>9.2}  {p99:>8.2}  {rate:>9.0}  {name}");
    Ok(p99)
}

/// Sends all hostile documents in turn until aborted.
async fn send(
    asking: Asking,
    pace: Pace,
    number: usize,
    refused: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    let documents = hostile::documents();
    let mut ticks = match pace {
        Pace::Steady(rate) => Some(interval(
            Duration::from_secs(1) * u32::try_from(CONNECTIONS)? / rate,
        )),
        Pace::Flood => None,
    };
    // Each connection begins somewhere else.
    let from = number * documents.len() / CONNECTIONS;
    for (name, document) in documents.iter().cycle().skip(from) {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let answer = asking.send(document).await?;
        ensure!(answer["errors"].is_array(), "{name} is not refused");
        refused.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// A client with a token.
#[derive(Clone)]
struct Asking {
    client: Client,
    url: String,
    token: String,
}

impl Asking {
    fn new(platform: &Platform, token: String) -> Self {
        Self {
            client: Client::new(),
            url: platform.url(),
            token,
        }
    }

    async fn send(&self, document: &str) -> anyhow::Result<Value> {
        let request = self.client.post(&self.url).bearer_auth(&self.token);
        let request = request.json(&json!({ "query": document }));
        Ok(request.send().await?.json().await?)
    }

    async fn ask(&self) -> anyhow::Result<()> {
        let answer = self.send(QUERY).await?;
        let droplets = answer["data"]["droplets"]["nodes"].as_array();
        ensure!(
            droplets.is_some_and(|droplets| droplets.len() == DROPLETS),
            "the good query is not answered: {answer}"
        );
        Ok(())
    }
}
