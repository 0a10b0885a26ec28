//! One reader of the log for all followers of a process: what it costs, and that nothing is lost by it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::checkpoint::{self, Move};
use event_store::consume::consumer::{self, ApplyError, Consumer};
use event_store::consume::generation;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::source::{ConsumerId, LogSource, Source};
use event_store::consume::wake::Signal;
use event_store::envelope::{Position, Positioned, Recorded, Shard};
use event_store::error::StoreError;
use event_store::incarnation::{self, Incarnations, Reason};
use event_store::log;
use event_store::pool::Purpose;
use futures_util::FutureExt;
use sqlx::{PgConnection, PgPool};
use testkit::events::{Recorder, sequence};
use testkit::postgres::TestDatabase;
use testkit::restore::go_back;
use testkit::{statements, wait};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const CONSUMERS: usize = 20;
const BATCHES: usize = 10;

/// So long that a test in which a consumer relied on polling would not end.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Longer than any read takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// Remembers the positions that it was given.
struct Witness {
    name: &'static str,
    seen: Mutex<Vec<i64>>,
    /// Held by the test to make it slow.
    turn: tokio::sync::Mutex<()>,
}

impl Witness {
    fn new(number: usize) -> Arc<Self> {
        Arc::new(Self {
            name: Box::leak(format!("witness_{number}").into_boxed_str()),
            seen: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    fn seen(&self) -> Vec<i64> {
        self.seen.lock().expect("nobody panics").clone()
    }

    /// Waits until it was given everything up to a position, once and in order.
    async fn reaches(&self, head: Position) {
        let all: Vec<i64> = (1..=head.0).collect();
        wait::until("the consumer has applied the log", async || {
            (self.seen() == all).then_some(())
        })
        .await;
    }
}

#[async_trait]
impl Consumer for Witness {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::DROPLET, StreamType::JOB]
    }

    async fn apply(
        &self,
        _: &mut PgConnection,
        _: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        let _turn = self.turn.lock().await;
        Ok(())
    }

    fn committed(&self, events: &[Positioned<Recorded>]) {
        let mut seen = self.seen.lock().expect("nobody panics");
        seen.extend(events.iter().map(|event| event.position.0));
    }
}

fn follow(tasks: &mut JoinSet<()>, log: &SharedLog, sequenced: &Signal, witness: &Arc<Witness>) {
    let (log, sequenced, witness) = (log.clone(), sequenced.clone(), Arc::clone(witness));
    tasks.spawn(async move {
        let pool = log.pool().clone();
        let types = witness.stream_types();
        let mut source = LogSource::new(log, witness.name, types, sequenced, PATIENCE);
        consumer::run(pool, &*witness, &mut source, CancellationToken::new()).await;
    });
}

fn reads(statements: &[String]) -> usize {
    let is_read = |sent: &&String| sent.contains("from es.log l join es.events e");
    statements.iter().filter(is_read).count()
}

#[tokio::test]
async fn twenty_consumers_at_the_end_cost_one_read_a_batch() {
    let database = TestDatabase::new().await;
    let pool = database.pool_for(Purpose::Consumers).await;
    let log = SharedLog::new(pool.clone(), Incarnations::of(pool));
    let sequenced = Signal::new();
    let mut recorder = Recorder::new(database.pool());
    recorder.droplets(1).await;
    sequenced.raise_to(sequence(&database.pool()).await.0);
    let witnesses: Vec<_> = (0..CONSUMERS).map(Witness::new).collect();
    let mut tasks = JoinSet::new();
    for witness in &witnesses {
        follow(&mut tasks, &log, &sequenced, witness);
    }
    for witness in &witnesses {
        witness.reaches(Position(2)).await;
    }

    statements::collect();
    for _ in 0..BATCHES {
        recorder.droplets(1).await;
        let head = sequence(&database.pool()).await;
        sequenced.raise_to(head.0);
        for witness in &witnesses {
            witness.reaches(head).await;
        }
    }
    let sent = statements::take();
    assert_eq!(reads(&sent), BATCHES, "{sent:#?}");
}

#[tokio::test]
async fn a_slow_consumer_delays_no_other_and_misses_nothing() {
    let database = TestDatabase::new().await;
    // So little memory that the slow one falls behind it.
    let log = SharedLog::with_capacity(database.pool(), Incarnations::of(database.pool()), 4_000);
    let sequenced = Signal::new();
    let mut recorder = Recorder::new(database.pool());
    let (slow, fast) = (Witness::new(0), Witness::new(1));
    let mut tasks = JoinSet::new();
    let turn = slow.turn.lock().await;
    follow(&mut tasks, &log, &sequenced, &slow);
    follow(&mut tasks, &log, &sequenced, &fast);
    for _ in 0..20 {
        recorder.jobs(1).await;
        let head = sequence(&database.pool()).await;
        sequenced.raise_to(head.0);
        fast.reaches(head).await;
    }
    assert_eq!(slow.seen(), Vec::<i64>::new());
    drop(turn);
    slow.reaches(Position(60)).await;
    // Both are at the end again.
    recorder.jobs(1).await;
    let head = sequence(&database.pool()).await;
    sequenced.raise_to(head.0);
    slow.reaches(head).await;
    fast.reaches(head).await;
}

#[tokio::test]
async fn a_reader_that_is_behind_and_stands_still_holds_nobody_up() {
    let database = TestDatabase::new().await;
    let incarnation = database.incarnation();
    let log = SharedLog::with_capacity(database.pool(), Incarnations::of(database.pool()), 0);
    let mut recorder = Recorder::new(database.pool());
    recorder.droplets(10).await;
    let head = sequence(&database.pool()).await;
    log.read(incarnation, Position::START, 1_000)
        .await
        .expect("reads");
    recorder.droplets(1).await;
    sequence(&database.pool()).await;

    // Where this thread is held up, Postgres may have answered before the first poll ends.
    let waiting = (0..1_000).find_map(|_| {
        let mut read = Box::pin(log.read(incarnation, Position::START, 5));
        (&mut read).now_or_never().is_none().then_some(read)
    });
    let behind = waiting.expect("one of them waits for Postgres");
    let next = tokio::time::timeout(DEADLINE, log.read(incarnation, head, 1_000));
    let next = next.await.expect("it is not held up").expect("reads");
    assert_eq!(next.events.len(), 2);
    let first = behind.await.expect("reads");
    assert_eq!(first.events.len(), 5);
    assert!(first.has_more);
}

/// What is in memory belongs to one incarnation: a reader of the next one never gets it, and one of the one before
/// gets nothing of the next.
#[tokio::test]
async fn memory_does_not_outlive_its_incarnation() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let log = SharedLog::new(pool.clone(), Incarnations::of(pool.clone()));
    let before = database.incarnation();
    Recorder::new(pool.clone()).droplets(5).await;
    sequence(&pool).await;
    let read = log.read(before, Position::START, 100).await.expect("reads");
    assert_eq!(read.events.len(), 10);

    go_back(&pool, Position(4), Reason::Timeline).await;
    let beyond = log.read(before, Position(10), 100).await.map(drop);
    assert!(
        matches!(beyond, Err(StoreError::OtherIncarnation)),
        "{beyond:?}"
    );
    let now = log.incarnation().await.expect("it is noticed");
    let read = log.read(now, Position::START, 100).await.expect("reads");
    assert_eq!(read.events.len(), 4);
    let lost = log.read(before, Position(4), 100).await.map(drop);
    assert!(
        matches!(lost, Err(StoreError::OtherIncarnation)),
        "{lost:?}"
    );
}

/// A batch that was read before the log went back is not applied after it, though the checkpoints fit.
#[tokio::test]
async fn a_batch_of_another_incarnation_is_not_applied() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let log = SharedLog::new(pool.clone(), Incarnations::of(pool.clone()));
    let consumer = ConsumerId {
        name: "notebook",
        generation: 1,
    };
    let shard = Shard::new(StreamType::DROPLET, 0);
    sqlx::query(
        "insert into es.generations (consumer, generation, version, state, requested_by, reason) \
         values ('notebook', 1, 1, 'SERVING', 'test', 'test')",
    )
    .execute(&pool)
    .await
    .expect("Postgres answers");
    let loaded = checkpoint::load(&pool, consumer, &[shard]).await;
    let from = loaded.expect("Postgres answers")[&shard].position;
    Recorder::new(pool.clone()).droplets(5).await;
    sequence(&pool).await;
    let before = log.incarnation().await.expect("Postgres answers");
    let step = Move {
        shard,
        from,
        to: Position(3),
        kafka_offset: None,
    };
    go_back(&pool, Position(4), Reason::Timeline).await;
    let now = incarnation::ensure(&pool)
        .await
        .expect("it is noticed")
        .current()
        .id;
    for (incarnation, is_applied) in [(before, false), (now, true)] {
        let mut transaction = pool.begin().await.expect("it begins");
        let moved =
            checkpoint::advance(&mut transaction, consumer, Some(incarnation), &[step]).await;
        assert_eq!(moved.is_ok(), is_applied, "{moved:?}");
    }
}

/// A pseudo-random sequence, the same in every run.
fn numbers() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(0x9e37_79b9_7f4a_7c15_u64), |n| {
        let n = n ^ (n << 13);
        let n = n ^ (n >> 7);
        Some(n ^ (n << 17))
    })
}

/// What every read gives is what the log has there, whatever is in memory.
#[tokio::test]
async fn every_read_gives_what_the_log_has() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let incarnation = database.incarnation();
    let log = SharedLog::with_capacity(pool.clone(), Incarnations::of(pool.clone()), 10_000);
    let mut recorder = Recorder::new(pool.clone());
    let mut numbers = numbers();
    let mut next = |below: usize| {
        let number = numbers.next().expect("the sequence does not end");
        usize::try_from(number % below as u64).expect("it is below a usize")
    };
    let mut head = 0;
    let mut heads = vec![head];
    for _ in 0..300 {
        match next(10) {
            0 => {
                recorder.jobs(1 + next(8)).await;
                head = usize::try_from(sequence(&pool).await.0).expect("it is not negative");
                heads.push(head);
            }
            1 => log.forget(),
            _ => {
                // Near the end more often than anywhere else.
                let reach = if next(3) == 0 { head } else { head.min(40) };
                let after = head - next(reach + 1);
                let limit = 1 + next(30);
                let position = Position(i64::try_from(after).expect("it is small"));
                let read = log.read(incarnation, position, limit).await.expect("reads");
                let found: Vec<_> = read.events.iter().map(|e| (**e).clone()).collect();
                let all = log::read(&pool, position, 30).await.expect("reads");
                assert!(found.len() <= limit && all.starts_with(&found));
                assert_eq!(found.is_empty(), after == head);
                // Of what is in memory, it is the end as it was when that was read.
                assert!(read.has_more || heads.contains(&(after + found.len())));
            }
        }
    }
}

/// As far as a consumer sees it: after a restore of the database to an earlier time, positions are given
/// again.
#[tokio::test]
async fn a_consumer_that_goes_back_to_its_checkpoints_forgets_what_was_read() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    generation::begin(&pool, "witness_0", 1)
        .await
        .expect("Postgres answers");
    let types = &[StreamType::DROPLET, StreamType::JOB];
    let mut source = LogSource::new(pool.clone(), "witness_0", types, Signal::new(), PATIENCE);
    let next = async |source: &mut LogSource| {
        source.rewind(1).await.expect("Postgres answers");
        let batch = source.next().await.expect("Postgres answers");
        let streams = batch.events.iter().map(|e| e.event.stream);
        streams.collect::<Vec<_>>()
    };
    // Its checkpoints are at the beginning.
    source.rewind(1).await.expect("Postgres answers");
    let droplet = Recorder::new(pool.clone()).droplets(1).await[0];
    sequence(&pool).await;
    assert_eq!(next(&mut source).await, [droplet; 2]);

    forget_history(&pool).await;
    let job = Recorder::new(pool.clone()).jobs(1).await[0];
    sequence(&pool).await;
    assert_eq!(next(&mut source).await, [job; 3]);
}

async fn forget_history(pool: &PgPool) {
    sqlx::raw_sql(
        "set session_replication_role = replica; \
         delete from es.log; delete from es.events; delete from es.streams; \
         update es.log_head set position = 0, low_mark = 0; \
         set session_replication_role = origin",
    )
    .execute(pool)
    .await
    .expect("Postgres answers");
}

/// The reader of the log for subscribers may be the first to notice a failover, and its own connections only read.
#[tokio::test]
async fn a_reader_whose_connections_only_read_notices_another_incarnation() {
    let database = TestDatabase::new().await;
    let reading = database.pool_for(Purpose::Subscriptions).await;
    let log = SharedLog::new(reading, Incarnations::of(database.pool()));
    let before = log.incarnation().await.expect("Postgres answers");
    go_back(&database.pool(), Position(0), Reason::Timeline).await;

    let refused = log.read(before, Position(0), 10).await.map(|_| ());
    assert!(
        matches!(refused, Err(StoreError::OtherIncarnation)),
        "{refused:?}"
    );
    assert_ne!(log.incarnation().await.expect("Postgres answers"), before);
}
