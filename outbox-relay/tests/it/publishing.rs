//! The sunny path, and Kafka being away.

use domain::event::DomainEvent;
use domain::stream_type::StreamType;
use event_store::envelope::Position;
use event_store::log;
use outbox_relay::health::State;
use rdkafka::message::Message;
use testkit::events::{Recorder, record_newer};
use testkit::kafka::kafka_or_skip;
use testkit::postgres::TestDatabase;
use testkit::wait;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::relay::{Relay, assert_kafka_has_the_log};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_published_once_keyed_and_in_order() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(300).await;

    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    // One by one, and then many while it runs.
    for _ in 0..20 {
        recorder.jobs(1).await;
        relay.wake.appended.raise();
    }
    recorder.jobs(2_000).await;
    let head = relay.published(&pool).await;
    assert_eq!(head, Position(600 + 60 + 6_000));

    assert_kafka_has_the_log(&kafka, &pool).await;
    for message in kafka
        .messages(&kafka.topics().events(StreamType::JOB))
        .await
    {
        let key = message.key_view::<str>().unwrap().unwrap();
        let value = message.payload_view::<str>().unwrap().unwrap();
        assert_eq!(key.len(), 36, "the key is the stream's id: {key}");
        assert!(
            value.starts_with('{'),
            "the value is the event's data: {value}"
        );
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_goes_in_few_transactions_and_a_single_event_in_one_of_its_own() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.jobs(2_000).await;
    testkit::events::sequence(&pool).await;
    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    // A record of progress is in every transaction.
    let transactions = async || kafka.messages(&kafka.topics().progress()).await.len();
    let backlog = transactions().await;
    assert!(backlog <= 2, "6,000 events took {backlog} transactions");

    for round in 1..=5 {
        let stream = testkit::events::new_stream(StreamType::JOB);
        let first = domain::job::JobEvent::samples().remove(0);
        recorder.record(stream, [first]).await;
        relay.published(&pool).await;
        assert_eq!(transactions().await, backlog + round);
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_types_that_only_a_newer_program_knows_are_published_and_compared() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let relay = Relay::start(&pool, &kafka);
    Recorder::new(pool.clone()).jobs(1).await;
    relay.published(&pool).await;

    // The newer program starts while this relay publishes.
    let newer = StreamType::new(7);
    sqlx::query("insert into es.stream_types (code, name) values (7, 'newer')")
        .execute(&pool)
        .await
        .unwrap();
    record_newer(&pool, "Big.Org", newer.code(), "newer_created").await;
    relay.published(&pool).await;

    let mut topics = kafka.topics();
    topics.learn([(newer, "newer".to_owned())]);
    assert_eq!(kafka.messages(&topics.events(newer)).await.len(), 1);
    let compared = crate::audit::check(&pool, &kafka).await;
    assert_eq!(compared.differences, 0, "{compared:?}");
    assert_eq!(compared.compared, 4);
    assert!(compared.notes.is_empty(), "{compared:?}");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_being_away_stops_nothing_else_and_is_caught_up_with_when_it_comes() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    // An address at which Kafka will be, later: a door that leads to the real one. Until it listens,
    // connections are refused.
    let door = TcpSocket::new_v4().unwrap();
    door.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = door.local_addr().unwrap();

    let relay = Relay::start_at(&pool, &address.to_string(), kafka.topics());
    Recorder::new(pool.clone()).droplets(50).await;
    relay.wake.appended.raise();
    wait::until("the log grows without Kafka", async || {
        (log::head(&pool).await.unwrap() == Position(100)).then_some(())
    })
    .await;
    let why = relay.publisher_fails().await;
    // What the client reported names the address, and everybody may read the reason.
    assert!(
        why.starts_with("asking Kafka") && !why.contains("127.0.0.1"),
        "{why}"
    );
    assert_eq!(relay.health.snapshot().sequencer.state, State::Leading);
    assert_eq!(relay.health.snapshot().published, None);

    let door = door.listen(64).unwrap();
    let mut through = JoinSet::new();
    through.spawn(lead_through(door, kafka.brokers().to_owned()));
    relay.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    relay.stop().await;
}

async fn lead_through(door: TcpListener, to: String) {
    let mut visits = JoinSet::new();
    loop {
        let (mut visitor, _) = door.accept().await.unwrap();
        let mut host = TcpStream::connect(&to).await.unwrap();
        visits.spawn(async move {
            // Either side may hang up at any time.
            let _ = tokio::io::copy_bidirectional(&mut visitor, &mut host).await;
        });
    }
}
