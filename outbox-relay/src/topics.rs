//! Sees to it that the topics are there and are cut as the log is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use domain::stream_type::StreamType;
use event_store::cloudevent::Topics;
use event_store::envelope::Shard;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::runtime::Handle;

use crate::kafka_diagnostics::{self, Trouble};

/// How long the brokers may take to answer one question.
const ANSWER: Duration = Duration::from_secs(3);
/// How long a topic that was just made may stay unknown to the broker that we ask.
const APPEARANCE: Duration = Duration::from_secs(10);

/// As many copies as the brokers make of a topic when nobody says how many.
const BROKERS_CHOICE: TopicReplication<'_> = TopicReplication::Fixed(-1);

/// Makes the topics that are missing and checks all of them. Blocks.
///
/// # Errors
/// When Kafka does not answer, or a topic is cut into another number of partitions: keys would be in
/// other places than the log says, and only an operator can decide what to do about that.
pub(crate) fn ensure_topics(
    producer: &BaseProducer<Trouble>,
    config: &ClientConfig,
    topics: &Topics,
    runtime: &Handle,
) -> anyhow::Result<()> {
    let wanted = wanted(topics);
    let missing = |found: &HashMap<String, i32>| {
        let missing = wanted.iter().filter(|(name, _)| !found.contains_key(name));
        missing.cloned().collect::<Vec<_>>()
    };
    let mut found = partition_counts(producer)?;
    if !missing(&found).is_empty() {
        runtime.block_on(create(config, &missing(&found), &topics.progress()))?;
        let started = Instant::now();
        while !missing(&found).is_empty() {
            ensure!(
                started.elapsed() < APPEARANCE,
                "topics of `{}` were made and do not appear",
                topics.progress()
            );
            found = partition_counts(producer)?;
        }
    }
    for (name, partitions) in &wanted {
        let cut_into = found[name];
        if cut_into != *partitions {
            bail!(
                "the topic `{name}` has {cut_into} partitions and must have {partitions}: delete it \
                 (consumers then read what is missing from the log), or use another prefix of topics"
            );
        }
    }
    Ok(())
}

fn wanted(topics: &Topics) -> Vec<(String, i32)> {
    let events = StreamType::known()
        .iter()
        .map(|of| (topics.events(*of), i32::from(Shard::PARTITIONS)));
    let progress = (topics.progress(), 1);
    events.chain([progress]).collect()
}

/// Asks for all topics, because asking for one by name may make it, with the brokers' own settings.
fn partition_counts(producer: &BaseProducer<Trouble>) -> anyhow::Result<HashMap<String, i32>> {
    let metadata = producer.client().fetch_metadata(None, ANSWER);
    let metadata =
        metadata.map_err(|error| kafka_diagnostics::explain(producer, error, "asking Kafka"))?;
    let counts = metadata.topics().iter().map(|topic| {
        let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        (topic.name().to_owned(), partitions)
    });
    Ok(counts.collect())
}

async fn create(
    config: &ClientConfig,
    missing: &[(String, i32)],
    progress: &str,
) -> anyhow::Result<()> {
    let admin: AdminClient<Trouble> = config
        .create_with_context(Trouble::default())
        .context("the settings of the Kafka client are refused")?;
    let new: Vec<_> = missing
        .iter()
        .map(|(name, partitions)| {
            let topic = NewTopic::new(name, *partitions, BROKERS_CHOICE);
            if name == progress {
                topic.set("cleanup.policy", "compact")
            } else {
                topic
            }
        })
        .collect();
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let results = admin.create_topics(&new, &options).await;
    for result in results.context("Kafka does not answer")? {
        match result {
            Ok(name) => tracing::info!(topic = name, "made a topic"),
            // Another relay was faster.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => bail!("the topic `{name}` cannot be made: {code}"),
        }
    }
    Ok(())
}
