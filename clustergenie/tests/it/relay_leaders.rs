//! Leading relays that are paused until another leads, and wake: they change nothing, neither in Postgres
//! nor in Kafka, say that they stand by, and can lead again. And leading relays that are killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use domain::stream_type::StreamType;
use event_store::envelope::Position;
use event_store::log;
use rustix::process::Signal;
use serde_json::Value;
use sqlx::PgPool;
use testkit::events::Recorder;
use testkit::kafka::{Follower, TestKafka, kafka_or_skip};
use testkit::postgres::TestDatabase;
use testkit::wait::until;
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::distributed::arguments;
use super::program::{Folder, program, signal, unique};

/// How often a leader is paused, or killed.
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_leader_that_wakes_changes_nothing() {
    let Some(kafka) = kafka_or_skip() else { return };
    let (folder, database) = (Folder::new(), TestDatabase::new().await);
    let pool = database.pool();
    let load = Load::start(pool.clone());

    let mut leader = Relay::start(&folder, &kafka, &database.url());
    leader.leads(&pool).await;
    let mut other = Relay::start(&folder, &kafka, &database.url());
    other.is_ready().await;
    let mut undisturbed = 0;
    for _ in 0..3 * ROUNDS {
        goes_on(&pool).await;
        leader.signal(Signal::STOP);
        other.leads(&pool).await;
        goes_on(&pool).await;
        let epochs = epochs(&pool).await;
        leader.signal(Signal::CONT);
        leader.stands_by_unless_a_lease_moves(&pool, &epochs).await;
        goes_on(&pool).await;
        // A machine that stalls for as long as a lease lasts moves it too, so a round may be in vain.
        undisturbed += usize::from(self::epochs(&pool).await == epochs);
        std::mem::swap(&mut leader, &mut other);
        if undisturbed == ROUNDS {
            break;
        }
    }
    assert_eq!(undisturbed, ROUNDS, "the other still leads after a wake");
    // The one that was paused last leads once more.
    leader.stop().await;
    other.leads(&pool).await;
    goes_on(&pool).await;

    load.stop().await;
    assert_kafka_has_each_position_once(&kafka, &pool).await;
    assert_log_is_dense(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_positions_ascend_while_leaders_are_killed() {
    let Some(kafka) = kafka_or_skip() else { return };
    let (folder, database) = (Folder::new(), TestDatabase::new().await);
    let pool = database.pool();
    let load = Load::start(pool.clone());

    let mut leader = Relay::start(&folder, &kafka, &database.url());
    leader.leads(&pool).await;
    goes_on(&pool).await;
    let follower = Follower::start(&kafka);
    for _ in 0..ROUNDS {
        let mut other = Relay::start(&folder, &kafka, &database.url());
        other.is_ready().await;
        goes_on(&pool).await;
        leader.kill().await;
        other.leads(&pool).await;
        goes_on(&pool).await;
        leader = other;
    }

    load.stop().await;
    assert_kafka_has_each_position_once(&kafka, &pool).await;
    let head = log::head(&pool).await.unwrap();
    follower
        .assert_ascending(usize::try_from(head.0).unwrap())
        .await;
}

/// Writers that go on until they are stopped.
struct Load {
    stop: CancellationToken,
    writers: JoinSet<()>,
}

impl Load {
    fn start(pool: PgPool) -> Self {
        let stop = CancellationToken::new();
        let mut writers = JoinSet::new();
        for _ in 0..2 {
            let (mut recorder, stop) = (Recorder::new(pool.clone()), stop.clone());
            writers.spawn(async move {
                while !stop.is_cancelled() {
                    recorder.jobs(3).await;
                    recorder.droplets(3).await;
                }
            });
        }
        Self { stop, writers }
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.writers.join_next().await {
            ended.unwrap();
        }
    }
}

/// A process that relays.
struct Relay {
    child: Child,
    log: PathBuf,
}

impl Relay {
    fn start(folder: &Folder, kafka: &TestKafka, database_url: &str) -> Self {
        let log = folder.path(&format!("relay-{}.log", unique()));
        let child = program(folder, ["relay", "--database-url", database_url])
            .args(["--metrics-listen", "127.0.0.1:0", "--log-format", "json"])
            .args(arguments(kafka))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    fn signal(&self, name: Signal) {
        signal(self.pid(), name);
    }

    /// Waits until it has both leases.
    async fn leads(&self, pool: &PgPool) {
        let pid = format!("{}-", self.pid());
        until("it leads", async || {
            let owners: Vec<String> = sqlx::query_scalar("select owner from es.leases")
                .fetch_all(pool)
                .await
                .unwrap();
            let leads = owners.len() == 2 && owners.iter().all(|owner| owner.starts_with(&pid));
            leads.then_some(())
        })
        .await;
    }

    /// What `/readyz` says of its parts, once it serves.
    async fn parts(&self) -> Option<Vec<Value>> {
        let log = fs::read_to_string(&self.log).unwrap();
        // The last line may be half written.
        let mut lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let serving = lines.find(|line: &Value| {
            let message = line["message"].as_str().unwrap_or_default();
            message.starts_with("serving /livez")
        })?;
        let address = serving["address"].as_str()?;
        let answer = reqwest::get(format!("http://{address}/readyz"))
            .await
            .ok()?;
        let answer: Value = answer.json().await.ok()?;
        Some(answer["parts"].as_array()?.clone())
    }

    /// Waits until it leads or stands by, in both roles.
    async fn is_ready(&mut self) {
        until("it is ready", async || {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = fs::read_to_string(&self.log).unwrap();
                panic!("the relay ended with {status}:\n{log}");
            }
            let parts = self.parts().await?;
            let ready = |name| {
                let mut found = parts.iter().filter(|part| part["name"] == name);
                found.any(|part| part["ready"] == true)
            };
            (ready("sequencer") && ready("kafka")).then_some(())
        })
        .await;
    }

    /// Waits until it says of both roles that it stands by, or somebody took a lease.
    async fn stands_by_unless_a_lease_moves(&self, pool: &PgPool, before: &[(String, i64)]) {
        until("it reports that it stands by", async || {
            if epochs(pool).await != before {
                return Some(());
            }
            let parts = self.parts().await?;
            let stands_by = |name| {
                let mut found = parts.iter().filter(|part| part["name"] == name);
                found.any(|part| {
                    let reason = part["reason"].as_str().unwrap_or_default();
                    part["ready"] == true && reason.contains("standby")
                })
            };
            (stands_by("sequencer") && stands_by("kafka")).then_some(())
        })
        .await;
    }

    /// Ends it wherever it is.
    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits until it has.
    async fn stop(&mut self) {
        signal(self.pid(), Signal::TERM);
        assert!(self.child.wait().await.unwrap().success());
    }
}

/// Waits until more has got positions, and more has been published.
async fn goes_on(pool: &PgPool) {
    let now = async || -> (i64, i64) {
        sqlx::query_as("select h.position, p.position from es.log_head h, es.published p")
            .fetch_one(pool)
            .await
            .unwrap()
    };
    let (sequenced, published) = now().await;
    until("it goes on", async || {
        let now = now().await;
        (now.0 > sequenced && now.1 > published).then_some(())
    })
    .await;
}

async fn epochs(pool: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as("select name, epoch from es.leases order by name")
        .fetch_all(pool)
        .await
        .unwrap()
}

async fn assert_log_is_dense(pool: &PgPool) {
    let (events, places, head): (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from es.events), count(distinct l.seq), max(l.position) \
         from es.log l",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!((events, head), (places, places));
}

async fn assert_kafka_has_each_position_once(kafka: &TestKafka, pool: &PgPool) {
    let events: i64 = sqlx::query_scalar("select count(*) from es.events")
        .fetch_one(pool)
        .await
        .unwrap();
    until("all of it is published", async || {
        let published: i64 = sqlx::query_scalar("select position from es.published")
            .fetch_one(pool)
            .await
            .unwrap();
        (published == events).then_some(())
    })
    .await;
    let mut times: BTreeMap<Position, usize> = BTreeMap::new();
    for stream_type in StreamType::known().iter().copied() {
        let mut before = BTreeMap::new();
        for received in kafka.events(stream_type).await {
            let position = received.event.position;
            *times.entry(position).or_default() += 1;
            let shard = received.event.event.stream.shard();
            assert_eq!(
                received.previous,
                before.insert(shard, position).unwrap_or_default(),
                "each shard is in order and has no hole"
            );
        }
    }
    let more: Vec<_> = times.iter().filter(|(_, times)| **times != 1).collect();
    assert!(more.is_empty(), "in Kafka more than once: {more:?}");
    assert_eq!(times.len() as i64, events);
    assert_eq!(log::head(pool).await.unwrap(), Position(events));
}
