//! The audit of Kafka finds nothing where nothing is wrong, and names what is wrong where something is.
//!
//! Topics that are wrong are written by hand: the messages that the relay would write, but one.

use std::time::Duration;

use domain::stream_type::StreamType;
use event_store::audit::finding::{Difference, Findings, Progress};
use event_store::audit::{Audit, Bounds};
use event_store::cloudevent::{self, Message};
use event_store::envelope::{Position, StreamId};
use event_store::log;
use outbox_relay::audit;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use sqlx::PgPool;
use testkit::events::{Recorder, sequence};
use testkit::kafka::{TestKafka, kafka_or_skip, record};
use testkit::postgres::TestDatabase;
use testkit::wait;

use crate::relay::Relay;

async fn try_check(pool: &PgPool, kafka: &TestKafka) -> anyhow::Result<Findings> {
    let audit = Audit {
        pool,
        bounds: Bounds::read(pool).await.unwrap(),
        progress: &Progress::default(),
    };
    audit::check(&audit, kafka.brokers(), &kafka.topics()).await
}

pub(crate) async fn check(pool: &PgPool, kafka: &TestKafka) -> Findings {
    try_check(pool, kafka).await.unwrap()
}

/// Makes the topics as a relay makes them, with none of its records.
async fn make_topics(kafka: &TestKafka) {
    kafka.make_topics().await;
    kafka.make_progress_topic(&[]).await;
    let progress = kafka.topics().progress();
    wait::until("Kafka knows its topics", async || {
        let consumer: BaseConsumer = kafka.client().create().unwrap();
        let ends = consumer.fetch_watermarks(&progress, 0, Duration::from_secs(5));
        ends.ok()
    })
    .await;
}

/// A log of 60 events, and the messages that the relay would make of them.
struct Written {
    _database: TestDatabase,
    pool: PgPool,
    kafka: TestKafka,
    messages: Vec<Message>,
    streams: Vec<StreamId>,
}

impl Written {
    async fn new(kafka: TestKafka) -> Self {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let streams = Recorder::new(pool.clone()).droplets(30).await;
        sequence(&pool).await;
        make_topics(&kafka).await;
        let positions: Vec<_> = (1..=60).map(Position).collect();
        let events = log::read_chained(&pool, &positions).await.unwrap();
        let messages = events
            .iter()
            .map(|(event, before)| {
                cloudevent::encode(&kafka.topics(), event, *before, None).unwrap()
            })
            .collect();
        Self {
            _database: database,
            pool,
            kafka,
            messages,
            streams,
        }
    }

    /// The message of the event at a position.
    fn at(&mut self, position: usize) -> &mut Message {
        &mut self.messages[position - 1]
    }

    /// Writes the messages.
    async fn write(&self) {
        let (config, messages) = (self.kafka.client(), self.messages.clone());
        tokio::task::spawn_blocking(move || {
            let producer: BaseProducer = config.create().unwrap();
            for message in &messages {
                producer
                    .send(record(message))
                    .map_err(|(error, _)| error)
                    .unwrap();
            }
            producer.flush(Duration::from_secs(20)).unwrap();
        })
        .await
        .unwrap();
    }

    /// Writes the messages and gives the first difference, which must be the only one.
    async fn only_difference(&self) -> Difference {
        self.write().await;
        let found = check(&self.pool, &self.kafka).await;
        assert_eq!(found.differences, 1, "{found:?}");
        found.first.unwrap()
    }

    /// Where the message of a position is written.
    fn place(&self, position: usize) -> String {
        let message = &self.messages[position - 1];
        format!("{}/{}", message.topic, message.partition)
    }
}

fn assert_at(difference: &Difference, position: i64, stream: StreamId, version: i64) {
    assert_eq!(
        (
            difference.position.unwrap().0,
            difference.stream.unwrap(),
            difference.version.unwrap().0
        ),
        (position, stream.uuid, version),
        "{difference:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_published_passes_also_while_it_publishes() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(300).await;
    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    for _ in 0..5 {
        recorder.jobs(50).await;
        relay.wake.appended.raise();
        let found = check(&pool, &kafka).await;
        assert_eq!(found.first, None);
    }
    relay.published(&pool).await;
    let found = check(&pool, &kafka).await;
    assert_eq!(
        found,
        Findings {
            compared: 600 + 5 * 150,
            ..Findings::default()
        }
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_not_published_yet_are_told_and_no_difference() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(10).await;
    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    relay.stop().await;
    recorder.droplets(2).await;
    sequence(&pool).await;
    let found = check(&pool, &kafka).await;
    assert_eq!(found.first, None);
    assert_eq!(
        found.notes,
        ["Kafka has the log up to position 20; 4 later events are not published yet"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_is_told_and_no_difference() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    let stream = recorder.jobs(1).await[0];
    recorder.droplets(20).await;
    let relay = Relay::start(&pool, &kafka);
    relay.published(&pool).await;
    relay.stop().await;
    let topic = kafka.topics().events(StreamType::DROPLET);
    kafka.delete_topic(&topic).await;
    let relay = Relay::start(&pool, &kafka);
    recorder.droplets(20).await;
    relay.published(&pool).await;
    let found = check(&pool, &kafka).await;
    assert_eq!(found.first, None);
    assert!(!found.notes.is_empty());
    let jobs = kafka.topics().events(stream.stream_type);
    for note in &found.notes {
        assert!(note.starts_with(&topic) && !note.contains(&jobs), "{note}");
        assert!(
            note.contains(" holds events from position ") || note.contains(" holds none of its "),
            "{note}"
        );
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_not_there_cannot_be_checked() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let why = try_check(&database.pool(), &kafka).await.unwrap_err();
    assert!(why.to_string().contains("check --kafka-prefix"), "{why:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_another_log_are_a_difference() {
    let Some(kafka) = kafka_or_skip() else { return };
    let written = Written::new(kafka).await;
    written.write().await;
    let other = TestDatabase::new().await;
    Recorder::new(other.pool()).droplets(30).await;
    sequence(&other.pool()).await;
    let found = check(&other.pool(), &written.kafka).await;
    let first = found.first.unwrap();
    assert_eq!(first.position, Some(Position(60)));
    assert!(
        first.found.contains("hold the events of another log"),
        "{first:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_message_is_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    let doubled = written.at(9).clone();
    // Before the next event of its stream: the order is right, the number is not.
    written.messages.insert(9, doubled);
    let difference = written.only_difference().await;
    assert_at(&difference, 9, written.streams[4], 1);
    assert_eq!(difference.expected, "one message");
    assert_eq!(difference.found, "one more");
    let place = format!("{} offset ", written.place(9));
    assert!(difference.place.unwrap().starts_with(&place), "{place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_message_is_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    let place = written.place(10);
    written.messages.remove(9);
    let difference = written.only_difference().await;
    assert_at(&difference, 10, written.streams[4], 2);
    assert_eq!(difference.expected, format!("a message in {place}"));
    assert_eq!(difference.found, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_value_is_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    // Short enough to be shown whole.
    let value = written.at(22).value.clone();
    written.at(22).value.push(' ');
    let difference = written.only_difference().await;
    assert_at(&difference, 22, written.streams[10], 2);
    assert_eq!(difference.expected, format!("the value `{value}`"));
    assert_eq!(difference.found, format!("the value `{value} `"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_header_is_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    for (name, value) in &mut written.at(22).headers {
        if *name == "ce_organization" {
            value.push_str("-2");
        }
    }
    let difference = written.only_difference().await;
    assert_at(&difference, 22, written.streams[10], 2);
    assert_eq!(difference.expected, "the header ce_organization `acme`");
    assert_eq!(difference.found, "the header ce_organization `acme-2`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_and_an_additional_header_are_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    written.at(30).headers.push(("ce_more", "1".to_owned()));
    let difference = written.only_difference().await;
    assert_at(&difference, 30, written.streams[14], 2);
    assert_eq!(difference.expected, "no further header");

    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    let key = std::mem::replace(&mut written.at(31).key, "another".to_owned());
    let difference = written.only_difference().await;
    assert_at(&difference, 31, written.streams[15], 1);
    assert_eq!(difference.expected, format!("the key `{key}`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_another_partition_is_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    let place = written.place(40);
    let message = written.at(40);
    message.partition = (message.partition + 1) % 8;
    let difference = written.only_difference().await;
    assert_at(&difference, 40, written.streams[19], 2);
    assert_eq!(difference.expected, format!("the partition `{place}`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_messages_of_a_key_that_changed_places_are_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    written.messages.swap(58, 59);
    let difference = written.only_difference().await;
    assert_at(&difference, 59, written.streams[29], 1);
    assert_eq!(
        difference.expected,
        "a position after 60, which came before it in its partition"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_messages_of_a_partition_that_changed_places_are_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    // The last two of a partition that are of different streams.
    let place = written.place(60);
    let of_last = |message: &Message| format!("{}/{}", message.topic, message.partition) == place;
    let key = written.at(60).key.clone();
    let other = (0..59).rev().find(|nth| {
        let message = &written.messages[*nth];
        of_last(message) && message.key != key
    });
    let other = other.expect("eight partitions have thirty streams");
    // The first of the two events of the last stream is at 59.
    written.messages.swap(other, 58);
    let difference = written.only_difference().await;
    let position = other as i64 + 1;
    assert_eq!(difference.position, Some(Position(position)));
    assert_eq!(
        difference.expected,
        "a position after 59, which came before it in its partition"
    );
    assert_eq!(difference.found, format!("position {position}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_an_event_that_the_log_has_not_is_named() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut written = Written::new(kafka).await;
    let mut invented = written.at(1).clone();
    for (name, value) in &mut invented.headers {
        if *name == "ce_position" {
            *value = "77".to_owned();
        }
    }
    written.messages.insert(0, invented);
    let difference = written.only_difference().await;
    assert_eq!(difference.position, Some(Position(77)));
    assert_eq!(
        difference.expected,
        "no message, because the log has no such position"
    );
}
