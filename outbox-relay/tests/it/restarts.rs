//! Relays that end at every point of a transaction, and the ones that come after them.

use domain::stream_type::StreamType;
use event_store::envelope::Position;
use event_store::log;
use outbox_relay::health::State;
use sqlx::PgPool;
use testkit::events::{Recorder, sequence};
use testkit::kafka::{Follower, kafka_or_skip};
use testkit::postgres::TestDatabase;

use crate::by_hand;
use crate::relay::{Relay, assert_kafka_has_the_log};

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_ended_between_sending_and_committing_is_fenced_and_leaves_no_trace() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(20).await;
    let first = Relay::start(&pool, &kafka);
    first.published(&pool).await;
    first.stop().await;

    recorder.droplets(20).await;
    sequence(&pool).await;
    let next = log::read(&pool, Position(40), 10).await.unwrap();
    let dying = by_hand::sent(&kafka, &pool, next).await;

    let second = Relay::start(&pool, &kafka);
    second.published(&pool).await;
    let commit = by_hand::commit(dying).await;
    commit.expect_err("the dead relay cannot commit any more");
    assert_kafka_has_the_log(&kafka, &pool).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_ended_right_after_committing_is_continued_behind_what_it_committed() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(20).await;
    let first = Relay::start(&pool, &kafka);
    first.published(&pool).await;
    first.stop().await;

    recorder.droplets(20).await;
    sequence(&pool).await;
    let next = log::read(&pool, Position(40), 10).await.unwrap();
    let dying = by_hand::sent(&kafka, &pool, next).await;
    by_hand::commit(dying).await.expect("it is the only one");

    let second = Relay::start(&pool, &kafka);
    second.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_that_are_killed_again_and_again_publish_everything_once() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    for round in 1..=3 {
        // More than go into a transaction.
        recorder.jobs(8_000).await;
        let relay = Relay::start(&pool, &kafka);
        // In the middle of the round's events, wherever the transactions are.
        relay
            .until("a part is published", |now| {
                now.published.is_some_and(|p| p.0 > (round - 1) * 24_000)
            })
            .await;
        relay.kill().await;
        forget_leases(&pool).await;
    }
    let last = Relay::start(&pool, &kafka);
    last.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    last.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_follows_sees_positions_ascend_while_relays_are_killed() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let mut relay = Relay::start(&pool, &kafka);
    recorder.jobs(1).await;
    relay.published(&pool).await;
    let follower = Follower::start(&kafka);
    let mut published = Position(3);
    for round in 1..=4 {
        recorder.droplets(300).await;
        recorder.jobs(300).await;
        relay.wake.appended.raise();
        relay
            .until("a part is published", |now| {
                now.published.is_some_and(|p| p > published)
            })
            .await;
        relay.kill().await;
        forget_leases(&pool).await;

        // One that dies with a transaction that it has sent, and one that dies after it has committed.
        sequence(&pool).await;
        relay = Relay::start(&pool, &kafka);
        published = relay.published(&pool).await;
        relay.stop().await;
        recorder.jobs(10).await;
        sequence(&pool).await;
        let next = log::read(&pool, published, 20).await.unwrap();
        let dying = by_hand::sent(&kafka, &pool, next).await;
        if round % 2 == 0 {
            by_hand::commit(dying).await.expect("it is the only one");
        }
        relay = Relay::start(&pool, &kafka);
        published = relay.published(&pool).await;
    }
    relay.stop().await;
    let events = usize::try_from(published.0).unwrap();
    follower.assert_ascending(events).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_relays_one_leads_and_the_other_takes_over() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let one = Relay::start(&pool, &kafka);
    recorder.droplets(10).await;
    one.published(&pool).await;

    let two = Relay::start(&pool, &kafka);
    let standby = |role: &State| *role == State::Standby;
    two.until("the second stands by", |now| {
        standby(&now.sequencer.state) && standby(&now.publisher.state)
    })
    .await;

    two.seize_leases(&pool).await;
    two.until("the second leads", |now| {
        now.sequencer.state == State::Leading && now.publisher.state == State::Leading
    })
    .await;
    one.until("the first notices", |now| {
        standby(&now.sequencer.state) && standby(&now.publisher.state)
    })
    .await;
    recorder.droplets(10).await;
    two.published(&pool).await;
    let one_knows = one.health.snapshot().published;
    assert_eq!(
        one_knows, None,
        "it does not hear of what the other publishes"
    );
    one.stop().await;
    two.stop().await;
    assert_kafka_has_the_log(&kafka, &pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_record_was_deleted_finds_its_place_by_the_events() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(30).await;
    recorder.jobs(30).await;
    let first = Relay::start(&pool, &kafka);
    first.published(&pool).await;
    first.stop().await;
    kafka.delete_topic(&kafka.topics().progress()).await;

    recorder.droplets(5).await;
    let second = Relay::start(&pool, &kafka);
    second.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    assert_eq!(kafka.events(StreamType::JOB).await.len(), 90);
    second.stop().await;
}

/// Lets the leases run out at once, as if their time had passed.
async fn forget_leases(pool: &PgPool) {
    sqlx::query("update es.leases set expires_at = '-infinity'")
        .execute(pool)
        .await
        .unwrap();
}
