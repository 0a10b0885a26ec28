//! A log that went back, and topics that lost everything: nothing is published that readers could take for something
//! else, until an operator says what to do.

use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use domain::stream_type::StreamType;
use event_store::envelope::{Position, StreamId};
use event_store::incarnation::{self, Reason};
use event_store::log;
use outbox_relay::health::State;
use rdkafka::message::Message;
use sqlx::PgPool;
use testkit::events::{Recorder, new_stream, sequence};
use testkit::kafka::{TestKafka, kafka_or_skip};
use testkit::postgres::TestDatabase;
use testkit::restore::go_back;

use crate::relay::{Relay, assert_kafka_has_the_log};

/// Eight events, and Kafka has them all.
async fn published(pool: &PgPool, kafka: &TestKafka) -> StreamId {
    let stream = new_stream(StreamType::DROPLET);
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(3).await;
    recorder
        .record(stream, DropletEvent::samples().into_iter().take(2))
        .await;
    let relay = Relay::start(pool, kafka);
    assert_eq!(relay.published(pool).await, Position(8));
    relay.stop().await;
    stream
}

/// Waits until the publisher gives a reason with these parts. What was deleted may be there for a moment yet.
async fn refuses(relay: &Relay, parts: &[&str]) {
    let doing = format!("the relay refuses: {parts:?}");
    relay
        .until(&doing, |now| {
            matches!(&now.publisher.state, State::Failing { why } if parts.iter().all(|p| why.contains(p)))
        })
        .await;
}

async fn messages(kafka: &TestKafka) -> usize {
    kafka.events(StreamType::DROPLET).await.len()
}

async fn delete_topics(kafka: &TestKafka) {
    for stream_type in StreamType::known() {
        kafka
            .delete_topic(&kafka.topics().events(*stream_type))
            .await;
    }
    kafka.delete_topic(&kafka.topics().progress()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_hold_what_the_log_lost_take_nothing_until_they_are_deleted() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    published(&pool, &kafka).await;
    go_back(&pool, Position(5), Reason::Timeline).await;
    incarnation::ensure(&pool).await.unwrap();

    // The log grows beyond what Kafka has, and the refusal does not end by that.
    let relay = Relay::start(&pool, &kafka);
    Recorder::new(pool.clone()).droplets(5).await;
    relay.wake.appended.raise();
    let parts = [
        "hold 3 events that this log lost (positions 6 to 8; it kept 5)",
        "delete the topics and start the relay with --republish-from 6",
        "another prefix of topics (--kafka-prefix) with --republish-from 1",
    ];
    refuses(&relay, &parts).await;
    relay.stop().await;
    // What the operator says does not help while the topics hold it.
    let relay = Relay::republish(&pool, &kafka, Position(6));
    refuses(&relay, &["this log lost"]).await;
    relay.stop().await;
    assert_eq!(messages(&kafka).await, 8);

    delete_topics(&kafka).await;
    let relay = Relay::republish(&pool, &kafka, Position(6));
    let head = relay.published(&pool).await;
    assert_eq!(head, Position(15));
    assert_eq!(messages(&kafka).await, 10);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_with_the_same_position_and_id_are_noticed() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let stream = published(&pool, &kafka).await;
    // A restore that keeps the identity, and that nobody declared.
    go_back(&pool, Position(7), Reason::Declared).await;
    let mut recorder = Recorder::new(pool.clone());
    recorder.resume(stream, 1);
    recorder
        .record(stream, DropletEvent::samples().into_iter().skip(3).take(1))
        .await;
    assert_eq!(sequence(&pool).await, Position(8));
    let message = kafka
        .messages(&kafka.topics().progress())
        .await
        .pop()
        .expect("a record");
    let record = String::from_utf8_lossy(message.payload().expect("has a value")).into_owned();
    let here = log::ids_at(&pool, &[Position(8)]).await.unwrap()[&Position(8)];
    assert!(
        record.contains(&here.to_string()),
        "position and id agree: {record}"
    );

    let relay = Relay::start(&pool, &kafka);
    refuses(&relay, &["hold the events of another log"]).await;
    relay.stop().await;
    // Also by the events themselves.
    kafka.delete_topic(&kafka.topics().progress()).await;
    let relay = Relay::start(&pool, &kafka);
    refuses(&relay, &["hold the events of another log"]).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_lost_nothing_goes_on_by_itself() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    published(&pool, &kafka).await;
    go_back(&pool, Position(8), Reason::Timeline).await;
    incarnation::ensure(&pool).await.unwrap();
    let relay = Relay::start(&pool, &kafka);
    Recorder::new(pool.clone()).droplets(1).await;
    relay.wake.appended.raise();
    relay.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    let compared = crate::audit::check(&pool, &kafka).await;
    assert_eq!(compared.differences, 0, "{compared:?}");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_runs_while_the_log_goes_back_publishes_nothing_more() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let relay = Relay::start(&pool, &kafka);
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(4).await;
    relay.published(&pool).await;
    go_back(&pool, Position(5), Reason::Timeline).await;
    incarnation::ensure(&pool).await.unwrap();
    Recorder::new(pool.clone()).droplets(10).await;
    relay.wake.appended.raise();
    refuses(&relay, &["hold 3 events that this log lost"]).await;
    assert_eq!(messages(&kafka).await, 8);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_does_not_publish_to_the_topics_of_the_original() {
    for reason in [Reason::Server, Reason::Database] {
        let Some(kafka) = kafka_or_skip() else { return };
        let database = TestDatabase::new().await;
        let pool = database.pool();
        published(&pool, &kafka).await;
        go_back(&pool, Position(8), reason).await;
        incarnation::ensure(&pool).await.unwrap();
        let relay = Relay::start(&pool, &kafka);
        Recorder::new(pool.clone()).droplets(1).await;
        refuses(
            &relay,
            &[
                "use another prefix of topics for a copy",
                "--republish-from 9",
            ],
        )
        .await;
        relay.stop().await;
        assert_eq!(messages(&kafka).await, 8);
        // It replaces the original, says the operator.
        let relay = Relay::republish(&pool, &kafka, Position(9));
        relay.published(&pool).await;
        assert_kafka_has_the_log(&kafka, &pool).await;
        relay.stop().await;
        // The word is not needed any more.
        let relay = Relay::start(&pool, &kafka);
        relay.published(&pool).await;
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_said_of_a_copy_is_kept_before_the_next_event() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    published(&pool, &kafka).await;
    go_back(&pool, Position(8), Reason::Server).await;
    incarnation::ensure(&pool).await.unwrap();
    let relay = Relay::republish(&pool, &kafka, Position(9));
    relay.published(&pool).await;
    relay.stop().await;
    let relay = Relay::start(&pool, &kafka);
    Recorder::new(pool.clone()).droplets(1).await;
    relay.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_lost_everything_are_filled_again_only_from_where_an_operator_says() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    published(&pool, &kafka).await;
    delete_topics(&kafka).await;
    let relay = Relay::start(&pool, &kafka);
    refuses(
        &relay,
        &[
            "hold nothing, though events up to position 8 were published",
            "--republish-from 1",
        ],
    )
    .await;
    relay.stop().await;
    assert_eq!(messages(&kafka).await, 0);
    let relay = Relay::republish(&pool, &kafka, Position(10));
    refuses(&relay, &["is not a position of this log: use 1 to 9"]).await;
    relay.stop().await;
    let relay = Relay::republish(&pool, &kafka, Position(3));
    relay.published(&pool).await;
    assert_eq!(messages(&kafka).await, 6);
    relay.stop().await;
    // The setting stays, and does nothing.
    let relay = Relay::republish(&pool, &kafka, Position(3));
    relay.published(&pool).await;
    assert_eq!(messages(&kafka).await, 6);
    relay.stop().await;
}
