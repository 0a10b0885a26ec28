//! Commands beside subscribers that catch up with a long history and a crowd of idle sockets: how much their times
//! grow, and whether probes are answered.
//!
//! The benchmark starts the program itself. Client, program and Postgres run on one machine, so the load is paced: it
//! is to measure waiting, not a lack of processors.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::{Client, StatusCode};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::latencies::percentile;
use crate::platform::{Droplet, Platform};

/// Events of the history that subscribers catch up with.
const HISTORY: usize = 50_000;

/// Subscribers that read the history from its beginning, again and again.
const CATCH_UPS: usize = 20;

/// Idle sockets, and the addresses that they come from.
const SOCKETS: usize = 10_000;
const ADDRESSES: usize = 20;

/// Clients that send commands, and the interval between two commands of one.
const CLIENTS: usize = 8;
const PACE: Duration = Duration::from_millis(25);

/// The interval between two probes, and the timeout of one.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout of the read models for applying the history.
const PATIENCE: Duration = Duration::from_secs(300);

/// The times of commands, in order, and of probes.
struct Measured {
    commands: Vec<Duration>,
    probes: Vec<Duration>,
    unanswered: usize,
}

/// Prints the times of commands alone and beside the crowd, and of probes.
///
/// # Errors
/// When the program cannot be started or refuses a command.
pub(crate) async fn run(program: &Path, lasts: Duration) -> anyhow::Result<()> {
    let platform = Platform::start(program).await?;
    let measured = measure(&platform, lasts).await;
    platform.stop().await?;
    measured
}

async fn measure(platform: &Platform, lasts: Duration) -> anyhow::Result<()> {
    let mut droplets = Vec::new();
    for number in 0..CLIENTS {
        droplets.push(platform.provision(&format!("load-{number}")).await?);
    }
    record_history(platform).await?;
    // Once without counting, so that caches and plans are as they are later.
    load(platform, &droplets, Duration::from_secs(2)).await?;
    let alone = load(platform, &droplets, lasts).await?;
    print("alone", &alone, platform)?;

    let idle = idle_sockets(platform).await?;
    // After the first write, which the history follows.
    let after = &droplets[0].token;
    let document = format!("subscription {{ eventRecorded(after: {after:?}) {{ cursor }} }}");
    let heard = Arc::new(AtomicUsize::new(0));
    let mut followers = JoinSet::new();
    for _ in 0..CATCH_UPS {
        let request = Client::new()
            .post(platform.url())
            .header("authorization", platform.authorization())
            .header("accept", "text/event-stream")
            .json(&json!({ "query": document }));
        followers.spawn(catch_up(request, Arc::clone(&heard)));
    }
    let beside = load(platform, &droplets, lasts).await?;
    let ended = followers.try_join_next();
    ensure!(ended.is_none(), "a subscriber ended: {ended:?}");
    drop(followers);
    let open = idle.len() - closed(&idle);
    print("beside", &beside, platform)?;
    println!(
        "p99 of commands beside {CATCH_UPS} catch-ups, which read {} events, and {open} idle sockets: {:.1} times \
         that alone",
        heard.load(Ordering::Relaxed),
        percentile(&beside.commands, 99) / percentile(&alone.commands, 99),
    );
    Ok(())
}

fn print(name: &str, measured: &Measured, platform: &Platform) -> anyhow::Result<()> {
    let Measured {
        commands,
        probes,
        unanswered,
    } = measured;
    println!(
        "{name}: {} commands, p50 {:.1} ms, p99 {:.1} ms; {} probes answered, slowest {:.1} ms, {unanswered} not; {} MiB",
        commands.len(),
        percentile(commands, 50),
        percentile(commands, 99),
        probes.len(),
        percentile(probes, 100),
        platform.memory_mib()?,
    );
    Ok(())
}

/// Records a long history straight into the log: copies of the events of the first droplets, as other droplets. Waits
/// until the read models have applied it.
async fn record_history(platform: &Platform) -> anyhow::Result<()> {
    let mut database = PgConnection::connect(platform.database_url()).await?;
    let copies = HISTORY / CLIENTS;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "insert into es.events (stream_id, version, shard, event_id, org_id, event_type, schema_version, data, \
             metadata) \
         select gen_random_uuid(), 1, shard, gen_random_uuid(), org_id, event_type, schema_version, data, metadata \
         from es.events, generate_series(1, {copies}) \
         where version = 1 and event_type = 'droplet_requested'; \
         analyze es.events; analyze es.log"
    )))
    .execute(&mut database)
    .await?;
    let applied = async {
        loop {
            let lags: bool = sqlx::query_scalar(
                "select exists (select from es.events e where not exists ( \
                     select from es.log where seq = e.seq)) or exists ( \
                 select from es.log l join es.checkpoints c on c.shard = l.shard and c.position < l.position \
                 limit 1)",
            )
            .fetch_one(&mut database)
            .await?;
            if !lags {
                return anyhow::Ok(());
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(PATIENCE, applied)
        .await
        .context("the read models do not apply the history")?
}

/// Sends commands and probes for some time.
async fn load(
    platform: &Platform,
    droplets: &[Droplet],
    lasts: Duration,
) -> anyhow::Result<Measured> {
    let clients = droplets
        .iter()
        .map(|droplet| commands(platform, droplet, lasts));
    let clients = futures_util::future::try_join_all(clients);
    let (commands, (mut probes, unanswered)) =
        tokio::join!(clients, probe(platform.readiness_url(), lasts));
    let mut commands = commands?.concat();
    commands.sort_unstable();
    probes.sort_unstable();
    Ok(Measured {
        commands,
        probes,
        unanswered,
    })
}

/// Tags a droplet in turns with two tags; returns the times from sending a command to its answer.
async fn commands(
    platform: &Platform,
    droplet: &Droplet,
    lasts: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let begun = Instant::now();
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    let mut is_tagged = false;
    while begun.elapsed() < lasts {
        pace.tick().await;
        let sent = Instant::now();
        if is_tagged {
            platform.untag(droplet, "load").await?;
        } else {
            platform.tag(droplet, "load").await?;
        }
        times.push(sent.elapsed());
        is_tagged = !is_tagged;
    }
    if is_tagged {
        platform.untag(droplet, "load").await?;
    }
    Ok(times)
}

/// Asks for the readiness on a new connection each time; returns the times of answers, and the number of probes
/// without one.
async fn probe(url: String, lasts: Duration) -> (Vec<Duration>, usize) {
    let begun = Instant::now();
    let (mut times, mut unanswered) = (Vec::new(), 0);
    let mut pace = interval(PROBE_INTERVAL);
    while begun.elapsed() < lasts {
        pace.tick().await;
        let sent = Instant::now();
        let asked = Client::new().get(&url).timeout(PROBE_TIMEOUT).send().await;
        if asked.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            times.push(sent.elapsed());
        } else {
            unanswered += 1;
        }
    }
    (times, unanswered)
}

/// Opens sockets that send nothing, from several addresses of this machine.
async fn idle_sockets(platform: &Platform) -> anyhow::Result<Vec<TcpStream>> {
    let mut sockets = Vec::with_capacity(SOCKETS);
    for number in 0..SOCKETS {
        let last = u8::try_from(2 + number % ADDRESSES)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into())?;
        let connected = socket.connect(platform.address()).await;
        sockets.push(connected.context("allow more file descriptors: `ulimit -n`")?);
    }
    Ok(sockets)
}

/// The number of sockets that the program has closed.
fn closed(sockets: &[TcpStream]) -> usize {
    let is_closed = |socket: &&TcpStream| matches!(socket.try_read(&mut [0]), Ok(0));
    sockets.iter().filter(is_closed).count()
}

/// Reads the history and begins again at its end. Ends with an error only.
async fn catch_up(request: reqwest::RequestBuilder, heard: Arc<AtomicUsize>) -> anyhow::Result<()> {
    loop {
        let request = request.try_clone().context("the body is in memory")?;
        let mut events = request.send().await?.error_for_status()?;
        let mut here = 0;
        while here < HISTORY {
            let chunk = events.chunk().await?.context("the stream was cut off")?;
            let text = String::from_utf8_lossy(&chunk);
            let found = text.matches("event: next").count();
            ensure!(!text.contains("\"errors\""), "{text}");
            here += found;
            heard.fetch_add(found, Ordering::Relaxed);
        }
    }
}
