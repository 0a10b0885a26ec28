//! Kafkas that are not as they must be: nothing is written, and it is said what to do.

use domain::stream_type::StreamType;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use testkit::events::Recorder;
use testkit::kafka::kafka_or_skip;
use testkit::postgres::TestDatabase;

use crate::relay::Relay;

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_hold_the_events_of_another_log_are_not_written_to() {
    let Some(kafka) = kafka_or_skip() else { return };
    let (one, two) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    Recorder::new(one.pool()).droplets(3).await;
    let first = Relay::start(&one.pool(), &kafka);
    first.published(&one.pool()).await;
    first.stop().await;

    // More than the first log had, so that its end is a position here too.
    Recorder::new(two.pool()).droplets(5).await;
    let second = Relay::start(&two.pool(), &kafka);
    let why = second.publisher_fails().await;
    assert!(why.contains("hold the events of another log"), "{why}");
    assert!(why.contains("use another prefix of topics"), "{why}");
    second.stop().await;
    assert_eq!(kafka.events(StreamType::DROPLET).await.len(), 6);
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

    let relay = Relay::start(&database.pool(), &kafka);
    let why = relay.publisher_fails().await;
    assert!(
        why.contains(&format!("`{topic}` has 3 partitions and must have 8")),
        "{why}"
    );
    relay.stop().await;
}
