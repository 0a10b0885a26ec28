//! What a thousand subscribers cost and get: delivery times, memory, transactions while nothing happens,
//! and whether anything is lost or doubled when the platform is killed in the middle, or delayed while
//! somebody else's write transaction stays open for a minute.
//!
//! It starts the program itself, with a data folder of its own, once for each row of the table. Each
//! subscriber has a WebSocket of its own, and after a loss of it goes on after its last cursor.

mod subscriber;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout_at};

use self::subscriber::{Heard, Subscriber};
use crate::latencies::percentile;
use crate::platform::{Droplet, Platform};

const SUBSCRIBERS: usize = 1_000;

/// How many events everybody must hear of, and how far apart they are sent.
const EVENTS: usize = 30;
const APART: Duration = Duration::from_millis(100);

/// How far apart they are beside an open transaction, which is older than the first and younger than the
/// last: together a minute.
const FAR_APART: Duration = Duration::from_millis(2_100);

/// After which event the platform is killed, in the row where it is.
const KILLED_AFTER: usize = 15;

/// How long transactions are counted, and after how long everything earlier has been: an idle
/// connection of Postgres tells what it did after 10 s at the latest.
const IDLE: Duration = Duration::from_secs(10);
const SETTLED: Duration = Duration::from_secs(11);

/// How long the last delivery is waited for, and then for one that nobody should get.
const PATIENCE: Duration = Duration::from_secs(60);
const AFTERMATH: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Spared,
    Killed,
    BesideOpenTransaction,
}

impl Fate {
    const ALL: [Self; 3] = [Self::Spared, Self::Killed, Self::BesideOpenTransaction];

    fn apart(self) -> Duration {
        match self {
            Self::Spared | Self::Killed => APART,
            Self::BesideOpenTransaction => FAR_APART,
        }
    }
}

/// Prints a row for each fate of the platform.
///
/// # Errors
/// When the program cannot be started or refuses what it is sent.
pub(crate) async fn run(program: &Path) -> anyhow::Result<()> {
    println!("{SUBSCRIBERS} subscribers, {EVENTS} events");
    for fate in Fate::ALL {
        let mut platform = Platform::start(program).await?;
        let measured = measure(&mut platform, fate).await;
        platform.stop().await?;
        measured?;
    }
    Ok(())
}

async fn measure(platform: &mut Platform, fate: Fate) -> anyhow::Result<()> {
    let alone = match fate {
        Fate::Spared => Some((
            transactions_a_second(platform).await?,
            platform.memory_mib()?,
        )),
        Fate::Killed | Fate::BesideOpenTransaction => None,
    };
    let droplet = platform.provision("bench").await?;
    let (sender, mut heard) = mpsc::unbounded_channel();
    let mut subscribers = JoinSet::new();
    for number in 0..SUBSCRIBERS {
        let subscriber = Subscriber::new(number, platform, &droplet.token, sender.clone());
        subscribers.spawn(subscriber.listen());
    }
    // When all of them have heard of a first event, all of them listen.
    platform.tag(&droplet, "first").await?;
    let first = collect(&mut heard, SUBSCRIBERS).await;
    anyhow::ensure!(first.len() == SUBSCRIBERS, "not all subscribers listen");
    if let Some((transactions_alone, memory_alone)) = alone {
        println!(
            "idle: {transactions_alone:.1} transactions/s and {memory_alone} MiB without subscribers, \
             {:.1} and {} MiB with them",
            transactions_a_second(platform).await?,
            platform.memory_mib()?,
        );
    }

    let open = match fate {
        Fate::BesideOpenTransaction => Some(open_transaction(platform).await?),
        Fate::Spared | Fate::Killed => None,
    };
    let (sent, down) = send(platform, &droplet, fate).await?;
    let heard = collect(&mut heard, SUBSCRIBERS * EVENTS).await;
    // Everything was delivered, or waited for in vain, while it was open.
    if let Some(open) = open {
        open.close().await?;
    }
    let mut times = BTreeMap::new();
    let mut doubled = 0;
    for Heard { by, version, at } in heard {
        let Some(sent) = sent.get(&version) else {
            doubled += 1;
            continue;
        };
        if times.insert((by, version), at - *sent).is_some() {
            doubled += 1;
        }
    }
    let mut latencies: Vec<Duration> = times.into_values().collect();
    latencies.sort_unstable();
    println!(
        "{fate:?}, {:?} apart: {} delivered, {} lost, {doubled} doubled; p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} \
         ms; {} MiB at most; down for {:.1} s",
        fate.apart(),
        latencies.len(),
        SUBSCRIBERS * EVENTS - latencies.len(),
        percentile(&latencies, 50),
        percentile(&latencies, 99),
        percentile(&latencies, 100),
        platform.peak_memory_mib()?,
        down.as_secs_f64(),
    );
    Ok(())
}

/// Sends the events; gives when each version was asked for, and how long the platform was down.
async fn send(
    platform: &mut Platform,
    droplet: &Droplet,
    fate: Fate,
) -> anyhow::Result<(HashMap<u64, Instant>, Duration)> {
    let mut sent = HashMap::new();
    let mut down = Duration::ZERO;
    let mut ticks = interval(fate.apart());
    for number in 1..=EVENTS {
        ticks.tick().await;
        let at = Instant::now();
        let version = platform.tag(droplet, &format!("event-{number}")).await?;
        sent.insert(version, at);
        if fate == Fate::Killed && number == KILLED_AFTER {
            let killed = Instant::now();
            platform.restart().await?;
            down = killed.elapsed();
            ticks.reset();
        }
    }
    Ok((sent, down))
}

/// Leaves a transaction open that has drawn the number of an event and not ended.
async fn open_transaction(platform: &Platform) -> anyhow::Result<PgConnection> {
    let mut connection = PgConnection::connect(platform.database_url()).await?;
    sqlx::raw_sql(
        "begin; select pg_current_xact_id(), nextval(pg_get_serial_sequence('es.events', 'seq'))",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

/// What is heard until it is as much as expected, and a little longer: there may be too much.
async fn collect(heard: &mut UnboundedReceiver<Heard>, expected: usize) -> Vec<Heard> {
    let mut collected = Vec::new();
    let mut until = Instant::now() + PATIENCE;
    while let Ok(Some(one)) = timeout_at(until.into(), heard.recv()).await {
        collected.push(one);
        if collected.len() == expected {
            until = Instant::now() + AFTERMATH;
        }
    }
    collected
}

/// Transactions a second, as Postgres counts them, while nothing happens. Every statement outside of a
/// transaction is one.
async fn transactions_a_second(platform: &Platform) -> anyhow::Result<f64> {
    let mut connection = PgConnection::connect(platform.database_url()).await?;
    sleep(SETTLED).await;
    let before = transactions(&mut connection).await?;
    sleep(IDLE).await;
    let after = transactions(&mut connection).await?;
    connection.close().await?;
    Ok((after - before) as f64 / IDLE.as_secs_f64())
}

async fn transactions(connection: &mut PgConnection) -> anyhow::Result<i64> {
    let count = sqlx::query_scalar(
        "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
    );
    Ok(count.fetch_one(connection).await?)
}
