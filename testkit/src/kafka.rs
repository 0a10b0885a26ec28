//! Kafka for one test: its own topics on a real broker, deleted when the test ends.
//!
//! Without a broker the test is skipped with a visible message; with `CI=true` a skipped test is a failure.

use std::collections::HashMap;
use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use domain::stream_type::StreamType;
use event_store::cloudevent::{self, Received, Topics};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::log;
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use sqlx::PgPool;

use crate::postgres::unique;
use crate::wait;

mod follower;

pub use self::follower::Follower;

/// The environment variable with the addresses of the brokers.
pub const BROKERS: &str = "CLUSTERGENIE_TEST_KAFKA";
/// The environment variable with a file that gets a line for each skipped test.
pub const SKIPPED: &str = "CLUSTERGENIE_TEST_SKIPPED";

/// Timeout of a request to the broker.
const PATIENCE: Duration = Duration::from_secs(20);

/// Kafka topics with names that no other test uses. Dropping this value deletes the topics.
#[derive(Debug)]
pub struct TestKafka {
    brokers: String,
    topics: Topics,
}

/// Returns Kafka for the calling test, or `None` after a message that the test is skipped.
///
/// # Panics
/// When there is no Kafka and `CI=true`.
#[must_use]
#[track_caller]
pub fn kafka_or_skip() -> Option<TestKafka> {
    let Ok(brokers) = env::var(BROKERS) else {
        skip(&std::panic::Location::caller().to_string());
        return None;
    };
    Some(TestKafka::on(brokers))
}

impl TestKafka {
    /// Creates a Kafka value for a broker that the test has started.
    #[must_use]
    pub fn on(brokers: String) -> Self {
        let topics = Topics::new(format!("test-{}", unique()));
        Self { brokers, topics }
    }

    /// The addresses of the brokers.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// The names of the test's topics.
    #[must_use]
    pub fn topics(&self) -> Topics {
        self.topics.clone()
    }

    /// Settings of a client of the broker.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// Waits until the consumer group of a version of a consumer has `members` members.
    ///
    /// # Panics
    /// After [`wait::until`]'s deadline.
    pub async fn await_members(&self, consumer: &str, version: i32, members: usize) {
        let (config, group) = (self.client(), self.topics.group(consumer, version));
        wait::until(&format!("{group} has {members} members"), async || {
            let (config, group) = (config.clone(), group.clone());
            let count = tokio::task::spawn_blocking(move || {
                let client: BaseConsumer = config.create().expect("the settings are right");
                let list = client.fetch_group_list(Some(&group), PATIENCE);
                let list = list.expect("the broker answers");
                list.groups()
                    .first()
                    .map_or(0, |group| group.members().len())
            });
            (count.await.expect("it does not panic") == members).then_some(())
        })
        .await;
    }

    /// Reads all committed events of a stream type's topic, partition by partition.
    ///
    /// # Panics
    /// When the broker does not answer, or a message is not an event.
    pub async fn events(&self, stream_type: StreamType) -> Vec<Received> {
        let messages = self.messages(&self.topics.events(stream_type)).await;
        let received = messages.iter().map(|message| {
            let partition = i16::try_from(message.partition()).expect("partitions are few");
            let headers = message.headers().expect("a message has headers");
            let headers: HashMap<&str, &str> = headers
                .iter()
                .filter_map(|h| Some((h.key, std::str::from_utf8(h.value?).ok()?)))
                .collect();
            let value = message.payload_view::<str>();
            let value = value.expect("a message has a value").expect("in UTF-8");
            cloudevent::decode(Shard::new(stream_type, partition), &headers, value)
        });
        received
            .collect::<Result<_, _>>()
            .expect("a message is an event")
    }

    /// Reads all committed messages of a topic, partition by partition.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn messages(&self, topic: &str) -> Vec<OwnedMessage> {
        let (config, topic) = (self.client(), topic.to_owned());
        tokio::task::spawn_blocking(move || committed(config, &topic))
            .await
            .expect("the broker answers")
    }

    /// Creates the topics of events as the relay does.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn make_topics(&self) {
        self.make_topics_with(&[]).await;
    }

    /// Creates the topics of events with the given settings.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn make_topics_with(&self, settings: &[(&str, &str)]) {
        let events: Vec<_> = StreamType::known()
            .iter()
            .map(|of| (self.topics.events(*of), Shard::PARTITIONS))
            .collect();
        self.make(&events, settings).await;
    }

    /// Creates the topic of the relay's progress with the given settings.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn make_progress_topic(&self, settings: &[(&str, &str)]) {
        self.make(&[(self.topics.progress(), 1)], settings).await;
    }

    async fn make(&self, topics: &[(String, i16)], settings: &[(&str, &str)]) {
        let new = topics.iter().map(|(name, partitions)| {
            let new = NewTopic::new(name, i32::from(*partitions), TopicReplication::Fixed(1));
            let settings = settings.iter();
            settings.fold(new, |new, (key, value)| new.set(key, value))
        });
        let new: Vec<_> = new.collect();
        let admin = self.admin();
        // The name of a topic that is being deleted cannot be used for a moment.
        wait::until("the topics are made", async || {
            let results = admin.create_topics(&new, &AdminOptions::new()).await;
            let results = results.expect("the broker answers");
            results.iter().all(Result::is_ok).then_some(())
        })
        .await;
    }

    /// Sends the events of the log with `after < position <= up_to` as the relay does, but without a
    /// transaction. Each call sends them again.
    ///
    /// # Panics
    /// When the broker or the database refuses.
    pub async fn send(&self, pool: &PgPool, after: Position, up_to: Position) {
        let heads = log::shard_heads(pool, after)
            .await
            .expect("the log is read");
        let events = log::read(pool, after, up_to.0 - after.0)
            .await
            .expect("the log is read");
        let (config, topics) = (self.client(), self.topics());
        tokio::task::spawn_blocking(move || send(&config, &topics, heads, &events))
            .await
            .expect("the broker takes events");
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("the settings are right")
    }

    /// Sets one setting of a topic, and all others to the broker's defaults. Waits until the broker reports
    /// the setting.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn configure_topic(&self, topic: &str, key: &str, value: &str) {
        let config = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(key, value);
        let results = self
            .admin()
            .alter_configs([&config], &AdminOptions::new())
            .await;
        for result in results.expect("the broker answers") {
            result.expect("the topic is configured");
        }
        // The controller has accepted it; the broker learns it from there.
        wait::until("the broker knows of the setting", async || {
            let admin = self.admin();
            let asked = [ResourceSpecifier::Topic(topic)];
            let told = admin.describe_configs(&asked, &AdminOptions::new()).await;
            let told = told.expect("the broker answers").remove(0);
            let told = told.expect("the topic is there");
            let now = told.get(key).and_then(|entry| entry.value.clone());
            (now.as_deref() == Some(value)).then_some(())
        })
        .await;
    }

    /// Writes a message of somebody else to the first partition of a topic.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn write(&self, topic: &str, value: &str) {
        let (config, topic, value) = (self.client(), topic.to_owned(), value.to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let producer: BaseProducer = config.create().expect("the settings are right");
            let record = BaseRecord::to(&topic).partition(0).key("").payload(&value);
            producer
                .send(record)
                .map_err(|(error, _)| error)
                .expect("the queue has room");
            producer.flush(PATIENCE).expect("the broker takes messages");
        });
        written.await.expect("it does not panic");
    }

    /// Deletes a topic, as an operator might by mistake.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn delete_topic(&self, topic: &str) {
        let results = self
            .admin()
            .delete_topics(&[topic], &AdminOptions::new())
            .await;
        for result in results.expect("the broker answers") {
            result.expect("the topic is deleted");
        }
    }
}

impl Drop for TestKafka {
    fn drop(&mut self) {
        let config = self.client();
        let mut topics = vec![self.topics.progress()];
        topics.extend(
            StreamType::known()
                .iter()
                .map(|of| self.topics.events(*of))
                .collect::<Vec<_>>(),
        );
        let deleting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let admin = config.create::<AdminClient<DefaultClientContext>>();
            if let (Ok(runtime), Ok(admin)) = (runtime, admin) {
                let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                // The broker is thrown away too: topics that stay cost memory and no test.
                let _ = runtime.block_on(admin.delete_topics(&topics, &AdminOptions::new()));
            }
        });
        let _ = deleting.join();
    }
}

#[expect(
    clippy::print_stderr,
    reason = "it must be seen, whatever becomes of the test's log"
)]
fn skip(test: &str) {
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "{BROKERS} is not set, and with CI=true no test is skipped: run `./dev test`"
    );
    eprintln!("SKIPPED: {test} needs a Kafka, and {BROKERS} is not set: run `./dev test`");
    if let Ok(file) = env::var(SKIPPED) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .unwrap_or_else(|error| panic!("{SKIPPED} cannot be written: {error}"));
        writeln!(file, "{test}").expect("the skipped test is noted");
    }
}

fn send(
    config: &ClientConfig,
    topics: &Topics,
    heads: Vec<(Shard, Position)>,
    events: &[Positioned<StoredEvent>],
) {
    let producer: BaseProducer = config.create().expect("the settings are right");
    let mut heads: HashMap<Shard, Position> = heads.into_iter().collect();
    for event in events {
        let previous = heads.insert(event.event.stream.shard(), event.position);
        let message = cloudevent::encode(topics, event, previous.unwrap_or_default(), None)
            .expect("an event is a message");
        let sent = producer.send(record(&message)).map_err(|(error, _)| error);
        sent.expect("the queue has room");
    }
    producer.flush(PATIENCE).expect("the broker takes messages");
}

/// The record of a message, for tests that send messages themselves.
#[must_use]
pub fn record(message: &cloudevent::Message) -> BaseRecord<'_, String, String> {
    let mut headers = OwnedHeaders::new();
    for (key, value) in &message.headers {
        let value = Some(value);
        headers = headers.insert(Header { key, value });
    }
    BaseRecord::to(&message.topic)
        .partition(message.partition)
        .key(&message.key)
        .payload(&message.value)
        .headers(headers)
}

/// Reads all committed messages, once no transaction is open.
fn committed(mut config: ClientConfig, topic: &str) -> Vec<OwnedMessage> {
    config
        .set("group.id", "test-reader")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "50");
    let reader = |isolation: &str| -> BaseConsumer {
        let mut config = config.clone();
        config.set("isolation.level", isolation);
        config.create().expect("the settings are right")
    };
    let (consumer, any) = (reader("read_committed"), reader("read_uncommitted"));
    let metadata = any.fetch_metadata(Some(topic), PATIENCE);
    let metadata = metadata.expect("the broker answers");
    let mut left = metadata.topics()[0].partitions().len();
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let end = |reader: &BaseConsumer| {
            let ends = reader.fetch_watermarks(topic, partition.id(), PATIENCE);
            ends.expect("the broker answers").1
        };
        // A commit is confirmed before every partition knows of it.
        let started = Instant::now();
        while end(&consumer) < end(&any) {
            assert!(
                started.elapsed() < PATIENCE,
                "a transaction on {topic} stays open"
            );
        }
        partitions
            .add_partition_offset(topic, partition.id(), Offset::Beginning)
            .expect("the offset is one");
    }
    consumer
        .assign(&partitions)
        .expect("the partitions are there");
    let mut messages = Vec::new();
    while left > 0 {
        match consumer.poll(PATIENCE).expect("the broker answers") {
            Ok(message) => messages.push(message.detach()),
            Err(KafkaError::PartitionEOF(_)) => left -= 1,
            Err(error) => panic!("reading {topic}: {error}"),
        }
    }
    messages.sort_by_key(|message| (message.partition(), message.offset()));
    messages
}
