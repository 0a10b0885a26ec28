//! Kafka as a source, with everything that can happen to topics and to members of a group: each event
//! is applied once, in the order of its stream.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::cloudevent::Topics;
use event_store::consume::consumer::{self, ApplyError, Consumer};
use event_store::envelope::{Position, Positioned, Recorded};
use event_store::incarnation::{self, Reason};
use projections::kafka::KafkaSource;
use sqlx::{PgConnection, PgPool};
use testkit::events::{Recorder, new_stream, sequence};
use testkit::kafka::{TestKafka, kafka_or_skip};
use testkit::postgres::TestDatabase;
use testkit::restore::go_back;
use testkit::wait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_source_goes_on_where_the_one_before_it_stopped() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    // Before there is any topic.
    let first = Member::start(&pool, &kafka);
    recorder.droplets(100).await;
    recorder.jobs(100).await;
    let half = sequence(&pool).await;
    kafka.make_topics().await;
    kafka.send(&pool, Position::START, half).await;
    applied(&pool, half).await;
    first.stop().await;

    recorder.jobs(700).await;
    let head = sequence(&pool).await;
    kafka.send(&pool, half, head).await;
    let second = Member::start(&pool, &kafka);
    applied(&pool, head).await;
    second.stop().await;
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_applied_once_and_what_does_not_come_is_read_from_the_log() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.jobs(1_000).await;
    let head = sequence(&pool).await;
    kafka.make_topics().await;
    kafka.send(&pool, Position(0), Position(500)).await;
    kafka.send(&pool, Position(0), Position(900)).await;
    // Without 901 to 2,400.
    kafka.send(&pool, Position(2_400), head).await;

    let member = Member::start(&pool, &kafka);
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_long_reading_of_the_log_kafka_is_read_on() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let stream = new_stream(StreamType::DROPLET);
    let event: Event = DropletEvent::samples().remove(0).into();
    for _ in 0..5 {
        recorder.record(stream, vec![event.clone(); 500]).await;
    }
    let lost = sequence(&pool).await;
    recorder.record(stream, [event.clone()]).await;
    recorder.jobs(100).await;
    let half = sequence(&pool).await;
    kafka.make_topics().await;
    kafka.send(&pool, lost, half).await;
    let member = Member::start(&pool, &kafka);
    applied(&pool, half).await;

    recorder.record(stream, [event]).await;
    recorder.jobs(100).await;
    let head = sequence(&pool).await;
    kafka.send(&pool, half, head).await;
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
    let behind: i64 = sqlx::query_scalar(
        "select count(*) from es.checkpoints c where c.consumer = 'noting' \
         and coalesce(c.kafka_offset, 0) <> (select count(*) from es.log l \
             where l.shard = c.shard and l.position > $1)",
    )
    .bind(lost.0)
    .fetch_one(&pool)
    .await
    .expect("the checkpoints are read");
    assert_eq!(behind, 0, "all that Kafka had came through Kafka");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_kafka_is_away_the_log_is_read_and_each_event_applied_once() {
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.jobs(300).await;
    sequence(&pool).await;
    // Nobody listens on this port; both members find the same shards without an owner.
    let away = || Member::start_at(&pool, "127.0.0.1:1", &Topics::default(), First::Succeeds, 1);
    let members = [away(), away()];
    recorder.jobs(100).await;
    let head = sequence(&pool).await;
    applied(&pool, head).await;
    for member in members {
        member.stop().await;
    }
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_of_another_version_takes_no_partitions_from_the_one_that_may_write() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics().await;
    recorder.jobs(100).await;
    let half = sequence(&pool).await;
    kafka.send(&pool, Position::START, half).await;
    let older = Member::start(&pool, &kafka);
    applied(&pool, half).await;
    let (brokers, topics) = (kafka.brokers(), kafka.topics());
    let newer = Member::start_at(&pool, brokers, &topics, First::Succeeds, 2);
    kafka.await_members("noting", 2, 1).await;

    recorder.jobs(100).await;
    let head = sequence(&pool).await;
    kafka.send(&pool, half, head).await;
    applied(&pool, head).await;
    assert!(!newer.has_applied());
    older.stop().await;
    newer.stop().await;
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_fails_is_read_again() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics().await;
    recorder.jobs(300).await;
    let head = sequence(&pool).await;
    let member = Member::start_with(&pool, &kafka, First::Fails);
    kafka.send(&pool, Position::START, head).await;
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_and_stays_empty_is_made_up_for_by_the_log() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics().await;
    recorder.jobs(300).await;
    let half = sequence(&pool).await;
    kafka.send(&pool, Position::START, half).await;
    let member = Member::start(&pool, &kafka);
    applied(&pool, half).await;

    // These events go down with the topics.
    recorder.jobs(200).await;
    let lost = sequence(&pool).await;
    for stream_type in StreamType::known().iter().copied() {
        kafka
            .delete_topic(&kafka.topics().events(stream_type))
            .await;
    }
    kafka.make_topics().await;
    applied(&pool, lost).await;

    // And what comes after them comes through Kafka again.
    recorder.droplets(20).await;
    let head = sequence(&pool).await;
    kafka.send(&pool, lost, head).await;
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_topic_lost_last_is_read_from_the_log_while_others_keep_coming() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics().await;
    recorder.jobs(10).await;
    let lost = sequence(&pool).await;
    let member = Member::start(&pool, &kafka);
    let mut head = lost;
    wait::until("what was lost is applied", async || {
        recorder.droplets(5).await;
        let before = std::mem::replace(&mut head, sequence(&pool).await);
        kafka.send(&pool, before, head).await;
        let noted: i64 = sqlx::query_scalar("select count(*) from noted where position <= $1")
            .bind(lost.0)
            .fetch_one(&pool)
            .await
            .expect("the table is read");
        (noted == lost.0).then_some(())
    })
    .await;
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_and_go_lose_and_double_nothing() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    kafka.make_topics().await;
    let one = Member::start(&pool, &kafka);
    let mut sent = Position::START;
    let mut send_more = async |pool: &PgPool| {
        recorder.jobs(400).await;
        let head = sequence(pool).await;
        kafka.send(pool, sent, head).await;
        sent = head;
        head
    };
    let first = send_more(&pool).await;
    applied(&pool, first).await;
    let two = Member::start(&pool, &kafka);
    // Until the second one has got partitions, and with it work.
    let head = wait::until("the second member applies something", async || {
        let head = send_more(&pool).await;
        applied(&pool, head).await;
        two.has_applied().then_some(head)
    })
    .await;
    one.kill().await;
    let last = send_more(&pool).await;
    assert!(last > head);
    applied(&pool, last).await;
    two.stop().await;
    assert_each_applied_once(&pool, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_another_log_are_left_out() {
    let Some(kafka) = kafka_or_skip() else { return };
    let (ours, theirs) = tokio::join!(applying(), TestDatabase::new());
    Recorder::new(theirs.pool()).jobs(200).await;
    let their_head = sequence(&theirs.pool()).await;
    kafka.make_topics().await;
    kafka
        .send(&theirs.pool(), Position::START, their_head)
        .await;

    let pool = ours.pool();
    Recorder::new(pool.clone()).jobs(50).await;
    let head = sequence(&pool).await;
    let member = Member::start(&pool, &kafka);
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_goes_on_with_the_events_of_another_log_is_not_believed() {
    let Some(kafka) = kafka_or_skip() else { return };
    let (ours, theirs) = tokio::join!(applying(), TestDatabase::new());
    let pool = ours.pool();
    Recorder::new(pool.clone()).jobs(200).await;
    let head = sequence(&pool).await;
    Recorder::new(theirs.pool()).jobs(400).await;
    let their_head = sequence(&theirs.pool()).await;
    kafka.make_topics().await;
    let half = Position(300);
    kafka.send(&pool, Position::START, half).await;
    kafka.send(&theirs.pool(), half, their_head).await;

    let member = Member::start(&pool, &kafka);
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
    assert_none_of_others(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_the_log_lost_are_left_out_and_what_comes_after_is_believed() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = applying().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.jobs(100).await;
    let fork = sequence(&pool).await;
    recorder.jobs(100).await;
    let lost = sequence(&pool).await;
    kafka.make_topics().await;
    kafka.send(&pool, Position::START, lost).await;
    let member = Member::start(&pool, &kafka);
    applied(&pool, lost).await;

    // The rows go back with the checkpoints, while the member follows.
    let back = "delete from noted where position > 300";
    sqlx::query(back)
        .execute(&pool)
        .await
        .expect("it goes back");
    go_back(&pool, fork, Reason::Timeline).await;
    incarnation::ensure(&pool).await.expect("it is noticed");
    Recorder::new(pool.clone()).jobs(50).await;
    let half = sequence(&pool).await;
    applied(&pool, half).await;
    Recorder::new(pool.clone()).jobs(150).await;
    let head = sequence(&pool).await;
    applied(&pool, head).await;
    member.stop().await;
    assert_each_applied_once(&pool, head).await;
    assert_none_of_others(&pool).await;
}

/// Everything that was applied is what the log has at that position.
async fn assert_none_of_others(pool: &PgPool) {
    let of_others: i64 = sqlx::query_scalar(
        "select count(*) from noted n where not exists \
             (select from es.log l join es.events e using (seq) \
              where l.position = n.position and e.stream_id = n.stream_id)",
    )
    .fetch_one(pool)
    .await
    .expect("the log is read");
    assert_eq!(of_others, 0);
}

/// A worker of the group: a source and what applies its events.
struct Member {
    noting: &'static Noting,
    stop: CancellationToken,
    task: JoinSet<()>,
}

/// What becomes of the first batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Succeeds,
    Fails,
}

impl Member {
    fn start(pool: &PgPool, kafka: &TestKafka) -> Self {
        Self::start_with(pool, kafka, First::Succeeds)
    }

    fn start_with(pool: &PgPool, kafka: &TestKafka, first: First) -> Self {
        Self::start_at(pool, kafka.brokers(), &kafka.topics(), first, 1)
    }

    fn start_at(pool: &PgPool, brokers: &str, topics: &Topics, first: First, version: i32) -> Self {
        // Lives as long as the test's process; a consumer of the program does too.
        let noting: &'static Noting = Box::leak(Box::new(Noting {
            fail: AtomicBool::new(first == First::Fails),
            applied: AtomicBool::new(false),
            version,
        }));
        let mut source = KafkaSource::start(
            brokers,
            topics,
            pool.clone(),
            noting.name(),
            noting.version(),
            noting.stream_types(),
        )
        .expect("the source starts");
        let stop = CancellationToken::new();
        let (pool, stopped) = (pool.clone(), stop.clone());
        let mut task = JoinSet::new();
        task.spawn(async move { consumer::run(pool, noting, &mut source, stopped).await });
        Self { noting, stop, task }
    }

    fn has_applied(&self) -> bool {
        self.noting.applied.load(Ordering::SeqCst)
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.task.join_next().await {
            ended.expect("the member does not panic");
        }
    }

    /// Ends it wherever it is.
    async fn kill(mut self) {
        self.task.shutdown().await;
    }
}

/// A consumer that notes every event it is given.
struct Noting {
    fail: AtomicBool,
    applied: AtomicBool,
    version: i32,
}

#[async_trait]
impl Consumer for Noting {
    fn name(&self) -> &'static str {
        "noting"
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn stream_types(&self) -> &'static [StreamType] {
        StreamType::known()
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        if self.fail.swap(false, Ordering::SeqCst) {
            return Err(sqlx::Error::PoolTimedOut.into());
        }
        sqlx::query(
            "insert into public.noted (position, stream_id, version) \
             select * from unnest($1::bigint[], $2::uuid[], $3::bigint[])",
        )
        .bind(events.iter().map(|e| e.position.0).collect::<Vec<_>>())
        .bind(
            events
                .iter()
                .map(|e| e.event.stream.uuid)
                .collect::<Vec<_>>(),
        )
        .bind(events.iter().map(|e| e.event.version.0).collect::<Vec<_>>())
        .execute(transaction)
        .await?;
        Ok(())
    }

    fn committed(&self, _events: &[Positioned<Recorded>]) {
        self.applied.store(true, Ordering::SeqCst);
    }
}

/// A database in which events can be noted.
async fn applying() -> TestDatabase {
    let database = TestDatabase::new().await;
    sqlx::query(
        "create table noted (place bigserial, position bigint, stream_id uuid, version bigint)",
    )
    .execute(&database.pool())
    .await
    .expect("the table is made");
    database
}

async fn applied(pool: &PgPool, head: Position) {
    wait::until(&format!("{head} events are applied"), async || {
        let noted: i64 = sqlx::query_scalar("select count(*) from noted")
            .fetch_one(pool)
            .await
            .expect("the table is read");
        (noted >= head.0).then_some(())
    })
    .await;
}

async fn assert_each_applied_once(pool: &PgPool, head: Position) {
    let (noted, different, parked): (i64, i64, i64) = sqlx::query_as(
        "select count(*), count(distinct position), (select count(*) from es.parked) from noted",
    )
    .fetch_one(pool)
    .await
    .expect("the table is read");
    assert_eq!(
        (noted, different, parked),
        (head.0, head.0, 0),
        "each event once"
    );
    let disordered: i64 = sqlx::query_scalar(
        "select count(*) from (select version - row_number() over \
             (partition by stream_id order by place) as off from noted) o where off <> 0",
    )
    .fetch_one(pool)
    .await
    .expect("the table is read");
    assert_eq!(disordered, 0, "in the order of each stream");
}
