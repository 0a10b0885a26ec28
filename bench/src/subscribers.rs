//! A thousand subscribers: delivery times, memory, and transactions while idle. Counts lost and duplicate
//! events when the platform is killed, and delays while a foreign write transaction stays open.
//!
//! The benchmark starts the program itself, with a new data directory for each row of the table. Each
//! subscriber has its own WebSocket, and resumes after its last cursor when its connection is lost.

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

/// Subscribers of one subject: fewer than the WebSockets that a subject may have.
const OF_SUBJECT: usize = 250;

/// Number of events that each subscriber must receive, and the time between two of them.
const EVENTS: usize = 30;
const APART: Duration = Duration::from_millis(100);

/// Time between two events beside an open transaction. The transaction begins before the first event and
/// stays open for all of them: together a minute.
const FAR_APART: Duration = Duration::from_millis(2_100);

/// The event after which the platform is killed, in the row with a kill.
const KILLED_AFTER: usize = 15;

/// Duration of the count of transactions, and the delay before it. An idle backend of Postgres reports its
/// counters within 10 s.
const IDLE: Duration = Duration::from_secs(10);
const SETTLED: Duration = Duration::from_secs(11);

/// Timeout of the wait for the last delivery, and the time for duplicates after it.
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

/// Prints a row for each disturbance of the platform.
///
/// # Errors
/// When the program cannot be started or refuses a mutation.
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
    let mut authorizations = Vec::new();
    for number in 0..SUBSCRIBERS / OF_SUBJECT {
        let subject = format!("subscriber-{number}");
        let token = platform.token_of("demo", "viewer", &subject).await?;
        authorizations.push(format!("Bearer {token}"));
    }
    for number in 0..SUBSCRIBERS {
        let authorization = authorizations[number / OF_SUBJECT].clone();
        let url = platform.websocket_url();
        let subscriber =
            Subscriber::new(number, url, authorization, &droplet.token, sender.clone());
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

/// Sends the events. Returns the time of each version's mutation, and the downtime of the platform.
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

/// Opens a transaction that has drawn the number of an event, and holds the lock of writers.
async fn open_transaction(platform: &Platform) -> anyhow::Result<PgConnection> {
    let mut connection = PgConnection::connect(platform.database_url()).await?;
    sqlx::raw_sql(
        "begin; lock table es.events in row exclusive mode; \
         select nextval(pg_get_serial_sequence('es.events', 'seq'))",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

/// Collects events until all expected ones have arrived, and a little longer for duplicates.
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

/// Transactions per second while idle, as Postgres counts them. Every single statement is a transaction.
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
