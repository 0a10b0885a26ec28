//! Kafkas that are not as they must be, and refuse events: nothing is written around it, and it is said what
//! to do.

use domain::event::DomainEvent;
use domain::job::{JobEvent, JobProgressed};
use domain::stream_type::StreamType;
use event_store::envelope::{Position, StreamId};
use event_store::log;
use event_store::write::append::MAX_EVENT_BYTES;
use outbox_relay::health::State;
use outbox_relay::message_size::MAX_MESSAGE_BYTES;
use outbox_relay::refusal::Refusal;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use sqlx::PgPool;
use testkit::events::{Recorder, new_stream, sequence};
use testkit::kafka::{Follower, kafka_or_skip};
use testkit::postgres::TestDatabase;
use testkit::wait;

use crate::by_hand;
use crate::relay::{Relay, assert_kafka_has_the_log};

const MAX_MESSAGE: &str = "max.message.bytes";
/// Takes every event of the samples, and not the large one of [`large`].
const LOW: &str = "4096";

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_hold_the_events_of_another_log_are_not_written_to() {
    let Some(kafka) = kafka_or_skip() else { return };
    let (one, two) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    Recorder::new(one.pool()).droplets(3).await;
    let first = Relay::start(&one.pool(), &kafka);
    first.published(&one.pool()).await;
    let before = epoch(&one.pool()).await;

    // More than the first log had, so that its end is a position here too.
    Recorder::new(two.pool()).droplets(5).await;
    let second = Relay::start(&two.pool(), &kafka);
    let why = second.publisher_fails().await;
    assert!(why.contains("hold the events of another log"), "{why}");
    assert!(why.contains("use another prefix of topics"), "{why}");
    // The other is not fenced, so it publishes on under its lease.
    Recorder::new(one.pool()).droplets(2).await;
    first.published(&one.pool()).await;
    assert_eq!(epoch(&one.pool()).await, before);
    first.stop().await;
    second.stop().await;
    assert_eq!(kafka.events(StreamType::DROPLET).await.len(), 10);
}

/// The epoch of the publisher's lease, which grows with every start of a session.
async fn epoch(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select epoch from es.leases where name = 'publisher'")
        .fetch_one(pool)
        .await
        .expect("it has been taken")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_another_number_of_partitions_is_refused() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let topic = kafka.topics().events(StreamType::JOB);
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let new = NewTopic::new(&topic, 3, TopicReplication::Fixed(1));
    admin
        .create_topics(&[new], &AdminOptions::new())
        .await
        .unwrap();
    // Its keys would move.
    kafka.write(&topic, "somebody's").await;

    let relay = Relay::start(&database.pool(), &kafka);
    let why = relay.publisher_fails().await;
    assert!(
        why.contains(&format!("`{topic}` has 3 partitions and must have 8")),
        "{why}"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_topic_with_fewer_partitions_gets_the_others() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let topic = kafka.topics().events(StreamType::JOB);
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1));
    let made = admin.create_topics(&[new], &AdminOptions::new()).await;
    made.unwrap().remove(0).unwrap();
    Recorder::new(database.pool()).jobs(20).await;
    let relay = Relay::start(&database.pool(), &kafka);
    relay.published(&database.pool()).await;
    assert_kafka_has_the_log(&kafka, &database.pool()).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_with_wrong_settings_are_refused_before_anybody_is_fenced() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    Recorder::new(pool.clone()).jobs(10).await;
    let head = sequence(&pool).await;
    let low = (MAX_MESSAGE, "65536");
    kafka
        .make_topics_with(&[low, ("cleanup.policy", "compact")])
        .await;
    kafka.make_progress_topic(&[low]).await;
    let first = log::read(&pool, Position::START, 10).await.unwrap();
    let other = by_hand::sent(&kafka, &pool, first).await;

    let relay = Relay::start(&pool, &kafka);
    let why = relay.publisher_fails().await;
    let command = |topic: &str, setting: &str| {
        format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} \
             --add-config {setting}",
            kafka.brokers()
        )
    };
    let limit = format!("{MAX_MESSAGE}={MAX_MESSAGE_BYTES}");
    let (jobs, progress) = (
        kafka.topics().events(StreamType::JOB),
        kafka.topics().progress(),
    );
    for mend in [
        command(&jobs, &limit),
        command(&jobs, "cleanup.policy=delete"),
        command(&progress, &limit),
        command(&progress, "cleanup.policy=compact"),
    ] {
        assert!(why.contains(&mend), "{mend} is in: {why}");
    }
    let committed = by_hand::commit(other).await;
    committed.expect("the relay has fenced nobody");

    for topic in StreamType::known()
        .iter()
        .copied()
        .map(|of| kafka.topics().events(of))
    {
        kafka
            .configure_topic(&topic, "cleanup.policy", "delete")
            .await;
    }
    kafka
        .configure_topic(&progress, "cleanup.policy", "compact")
        .await;
    assert_eq!(relay.published(&pool).await, head);
    assert_kafka_has_the_log(&kafka, &pool).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_takes_just_the_largest_message_takes_every_batch() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let just = MAX_MESSAGE_BYTES.to_string();
    kafka.make_topics_with(&[(MAX_MESSAGE, &just)]).await;
    recorder.jobs(1_000).await;
    for _ in 0..50 {
        let stream = new_stream(StreamType::JOB);
        recorder
            .record(stream, [first(), large(MAX_EVENT_BYTES), last()])
            .await;
    }
    recorder.jobs(1_000).await;
    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_refused_for_good_stops_publishing_until_kafka_takes_it() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let relay = Relay::start(&pool, &kafka);
    recorder.jobs(100).await;
    relay.published(&pool).await;
    let follower = Follower::start(&kafka);

    let topic = kafka.topics().events(StreamType::JOB);
    kafka.configure_topic(&topic, MAX_MESSAGE, LOW).await;
    let (stream, refusal) = until_refused(&mut recorder, &relay, &pool, 0).await;
    assert_eq!(refusal.stream, stream);
    let version: i64 = sqlx::query_scalar(
        "select e.version from es.log l join es.events e using (seq) where l.position = $1",
    )
    .bind(refusal.position.0)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(version, 2, "the large event is to blame");
    assert!(refusal.reason.contains("too large"), "{refusal:?}");
    assert!((20_000..24_000).contains(&refusal.bytes), "{refusal:?}");
    let why = relay.publisher_fails().await;
    let mend = format!(
        "--alter --entity-type topics --entity-name {topic} --add-config {MAX_MESSAGE}={MAX_MESSAGE_BYTES}"
    );
    for part in [
        format!("the event at position {} ({stream}, ", refusal.position),
        format!("nothing after position {} is published", refusal.published),
        mend.clone(),
    ] {
        assert!(why.contains(&part), "{part} is in: {why}");
    }

    // Everything else goes on, and nothing is published around it, also when it is tried again.
    recorder.jobs(100).await;
    recorder.droplets(100).await;
    relay.wake.appended.raise();
    relay
        .until("the next attempt finds the limit", |now| {
            let both = format!("the topic `{topic}` takes {LOW} bytes at most");
            let refused = format!("refuses the event at position {}", refusal.position);
            matches!(&now.publisher.state, State::Failing { why }
                if why.contains(&both) && why.contains(&refused) && why.contains(&mend))
        })
        .await;
    assert_eq!(relay.health.snapshot().sequencer.state, State::Leading);
    let published = relay.health.snapshot().published;
    assert_eq!(published, Some(refusal.published));
    let jobs = kafka.events(StreamType::JOB).await.len();
    assert_eq!(jobs as i64, refusal.published.0, "there are only jobs yet");
    assert_eq!(kafka.events(StreamType::DROPLET).await, []);

    // What was lowered is put right, and the relay goes on by itself.
    let enough = MAX_MESSAGE_BYTES.to_string();
    kafka.configure_topic(&topic, MAX_MESSAGE, &enough).await;
    let head = relay.published(&pool).await;
    assert_eq!(relay.health.snapshot().refused, None);
    assert_kafka_has_the_log(&kafka, &pool).await;
    let events = usize::try_from(head.0).unwrap();
    follower.assert_ascending(events).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_a_later_part_of_its_transaction_is_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let relay = Relay::start(&pool, &kafka);
    recorder.jobs(1).await;
    relay.published(&pool).await;
    let topic = kafka.topics().events(StreamType::JOB);
    kafka.configure_topic(&topic, MAX_MESSAGE, LOW).await;
    // More than are read at once, in another topic.
    let (stream, refusal) = until_refused(&mut recorder, &relay, &pool, 3_000).await;
    assert_eq!(refusal.stream, stream);
    assert!((20_000..24_000).contains(&refusal.bytes), "{refusal:?}");

    let enough = MAX_MESSAGE_BYTES.to_string();
    kafka.configure_topic(&topic, MAX_MESSAGE, &enough).await;
    relay.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    relay.stop().await;
}

/// Records droplets and then a large event of a job, again and again until Kafka refuses it: the topic may take a large
/// event for a moment yet.
async fn until_refused(
    recorder: &mut Recorder,
    relay: &Relay,
    pool: &PgPool,
    droplets: usize,
) -> (StreamId, Refusal) {
    loop {
        let stream = new_stream(StreamType::JOB);
        recorder.droplets(droplets).await;
        recorder.record(stream, [first(), large(20_000)]).await;
        relay.wake.appended.raise();
        let head = sequenced(pool).await;
        let refused = wait::until("Kafka has the event or refuses it", async || {
            let now = relay.health.snapshot();
            let is_there = now.published == Some(head);
            (is_there || now.refused.is_some()).then_some(now.refused)
        })
        .await;
        if let Some(refusal) = refused {
            return (stream, refusal);
        }
    }
}

fn first() -> JobEvent {
    JobEvent::samples().remove(0)
}

fn last() -> JobEvent {
    JobEvent::samples().remove(2)
}

/// An event whose data is of so many bytes, and does not become much smaller by compression: the limits of topics are
/// about compressed messages.
fn large(bytes: usize) -> JobEvent {
    let event = |message: usize| {
        JobEvent::Progressed(JobProgressed {
            percent: 50,
            message: Some(noise(message)),
        })
    };
    let json = |event: JobEvent| domain::registry::Event::from(event).to_json().unwrap();
    let frame = json(event(1)).len() - 1;
    event(bytes - frame)
}

/// Letters and digits without a pattern, the same each time.
fn noise(length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state: u64 = 1;
    let letters = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(state >> 58) as usize])
    });
    letters.take(length).collect()
}

/// The position of the last event that was appended, as soon as it has one.
async fn sequenced(pool: &PgPool) -> Position {
    wait::until("everything has a position", async || {
        let (events, head): (i64, i64) = sqlx::query_as(
            "select (select count(*) from es.events), (select position from es.log_head)",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        (events == head).then_some(Position(head))
    })
    .await
}
