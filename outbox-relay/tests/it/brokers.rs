//! Kafkas that are slow, reject, lose topics, or die: publishing goes on by itself when they are well.

use domain::stream_type::StreamType;
use event_store::cloudevent::Topics;
use event_store::envelope::{Position, Shard};
use event_store::log;
use outbox_relay::health::State;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use sqlx::PgPool;
use testkit::events::Recorder;
use testkit::kafka::{TestKafka, kafka_or_skip};
use testkit::postgres::TestDatabase;
use testkit::wait;
use tokio::task::spawn_blocking;

use crate::broker::Broker;
use crate::relay::{Relay, assert_kafka_has_the_log};

// A single broker never has too few replicas, whatever `min.insync.replicas` says. So here the client's
// mock stands in: it does not know transactions, but its errors are like a broker's.
#[tokio::test(flavor = "multi_thread")]
async fn too_few_replicas_are_reported_and_waited_for_and_are_no_refusal() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mock = MockCluster::new(1).unwrap();
    let topics = Topics::default();
    for stream_type in StreamType::known().iter().copied() {
        let partitions = i32::from(Shard::PARTITIONS);
        mock.create_topic(&topics.events(stream_type), partitions, 1)
            .unwrap();
    }
    mock.create_topic(&topics.progress(), 1, 1).unwrap();
    let mut recorder = Recorder::new(pool.clone());
    let relay = Relay::start_at(&pool, &mock.bootstrap_servers(), topics);
    recorder.jobs(10).await;
    relay.published(&pool).await;

    let too_few = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 1_000];
    mock.request_errors(RDKafkaApiKey::Produce, &too_few);
    recorder.jobs(100).await;
    relay.wake.appended.raise();
    relay.fails_because("NotEnoughReplicas").await;
    reaches(&pool, Position(330)).await;
    assert_eq!(relay.health.snapshot().sequencer.state, State::Leading);
    mock.clear_request_errors(RDKafkaApiKey::Produce);
    relay.published(&pool).await;
    assert_eq!(relay.health.snapshot().refused, None);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_is_made_anew_and_gets_what_comes() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let relay = Relay::start(&pool, &kafka);
    recorder.jobs(10).await;
    recorder.droplets(10).await;
    relay.published(&pool).await;
    kafka
        .delete_topic(&kafka.topics().events(StreamType::JOB))
        .await;

    recorder.jobs(10).await;
    recorder.droplets(10).await;
    relay.published(&pool).await;
    let jobs = kafka.events(StreamType::JOB).await;
    let mut positions: Vec<i64> = jobs.iter().map(|job| job.event.position.0).collect();
    positions.sort_unstable();
    assert_eq!(positions, (51..=80).collect::<Vec<_>>());
    assert_eq!(kafka.events(StreamType::DROPLET).await.len(), 40);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_pauses_dies_and_comes_back_has_everything_once() {
    if kafka_or_skip().is_none() {
        return;
    }
    let broker = spawn_blocking(Broker::start).await.unwrap();
    let kafka = TestKafka::on(broker.address());
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let relay = Relay::start(&pool, &kafka);
    recorder.jobs(100).await;
    relay.published(&pool).await;

    broker.signal("STOP");
    recorder.jobs(100).await;
    relay.wake.appended.raise();
    relay.publisher_fails().await;
    reaches(&pool, Position(600)).await;
    broker.signal("CONT");
    relay.published(&pool).await;

    broker.signal("KILL");
    wait::until("the broker is dead", async || {
        (!broker.runs()).then_some(())
    })
    .await;
    recorder.jobs(100).await;
    relay.wake.appended.raise();
    let why = relay.publisher_fails().await;
    assert!(!why.is_empty());
    reaches(&pool, Position(900)).await;
    let broker = spawn_blocking(move || {
        broker.start_again();
        broker
    })
    .await
    .unwrap();
    relay.published(&pool).await;
    assert_kafka_has_the_log(&kafka, &pool).await;
    relay.stop().await;
    drop(kafka);
    drop(broker);
}

async fn reaches(pool: &PgPool, head: Position) {
    wait::until(&format!("the log reaches {head}"), async || {
        (log::head(pool).await.unwrap() == head).then_some(())
    })
    .await;
}
