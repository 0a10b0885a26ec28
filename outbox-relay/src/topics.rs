//! Creates the relay's topics and checks their settings, before anything is fenced or sent.
//!
//! The checked settings are those that the guarantees to readers depend on:
//! - *partitions*: a key's partition follows from their number, and shards of the log are cut the same
//!   way. A topic that was made with fewer and never used gets the others;
//! - *`cleanup.policy`*: a compacted topic of events loses events; an expired record of progress would
//!   have the whole log published again;
//! - *`max.message.bytes`*, of the topic or by default of its brokers: an event that does not fit would
//!   stop publishing.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use event_store::cloudevent::Topics;
use event_store::envelope::Shard;
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::runtime::Handle;

use crate::kafka_diagnostics::{self, Diagnostics};
use crate::message_size::MAX_MESSAGE_BYTES;

/// The timeout of one request to the brokers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// The timeout of a topic that was just created and is still unknown to the broker that is asked.
const APPEARANCE: Duration = Duration::from_secs(10);

/// The default number of replicas, which the brokers choose.
const BROKERS_CHOICE: TopicReplication<'_> = TopicReplication::Fixed(-1);

const CLEANUP_POLICY: &str = "cleanup.policy";
const MAX_MESSAGE: &str = "max.message.bytes";

/// A topic as it must be.
#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    partitions: i32,
    cleanup_policy: &'static str,
}

/// The settings of topics, by topic and key.
type Settings = HashMap<String, BTreeMap<String, String>>;

/// Creates the topics that are missing, adds the partitions that unused ones lack, and checks all of them. Blocks.
///
/// # Errors
/// When Kafka does not answer, or a topic is not as it must be. The error names every such topic, with the
/// command that mends it.
pub(crate) fn ensure_topics(
    producer: &BaseProducer<Diagnostics>,
    config: &ClientConfig,
    topics: &Topics,
    runtime: &Handle,
) -> anyhow::Result<()> {
    let wanted = wanted(topics);
    let missing = |found: &HashMap<String, i32>| {
        let missing = wanted
            .iter()
            .filter(|topic| !found.contains_key(&topic.name));
        missing.cloned().collect::<Vec<_>>()
    };
    let admin: AdminClient<Diagnostics> = config
        .create_with_context(Diagnostics::default())
        .context("the settings of the Kafka client are refused")?;
    let mut found = partition_counts(producer)?;
    if !missing(&found).is_empty() {
        runtime.block_on(create(&admin, &missing(&found)))?;
        let started = Instant::now();
        while !missing(&found).is_empty() {
            ensure!(
                started.elapsed() < APPEARANCE,
                "topics of `{}` were created and do not appear",
                topics.progress()
            );
            found = partition_counts(producer)?;
        }
    }
    for topic in &wanted {
        let partitions = found.get_mut(&topic.name);
        let partitions = partitions.context("every topic that is wanted is there")?;
        if *partitions < topic.partitions && is_unused(producer, &topic.name, *partitions)? {
            runtime.block_on(add_partitions(&admin, topic))?;
            *partitions = topic.partitions;
        }
    }
    let settings = runtime.block_on(settings(&admin, &wanted))?;
    let brokers = config.get("bootstrap.servers").unwrap_or_default();
    let wrong: Vec<String> = wanted
        .iter()
        .flat_map(|topic| {
            let partitions = wrong_partitions(topic, found[&topic.name], brokers);
            let settings = settings.as_ref().map(|all| &all[&topic.name]);
            let settings = settings.map(|settings| wrong_settings(topic, settings, brokers));
            partitions.into_iter().chain(settings.into_iter().flatten())
        })
        .collect();
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(())
}

/// Returns the command that makes a topic take the messages of all events.
pub(crate) fn raise_limit(brokers: &str, topic: &str) -> String {
    configure(brokers, topic, MAX_MESSAGE, MAX_MESSAGE_BYTES)
}

fn configure(brokers: &str, topic: &str, key: &str, value: impl std::fmt::Display) -> String {
    format!(
        "kafka-configs.sh --bootstrap-server {brokers} --alter --entity-type topics --entity-name {topic} \
         --add-config {key}={value}"
    )
}

fn wanted(topics: &Topics) -> Vec<Wanted> {
    let events = topics.known().map(|stream_type| Wanted {
        name: topics.events(stream_type),
        partitions: i32::from(Shard::PARTITIONS),
        cleanup_policy: "delete",
    });
    let progress = Wanted {
        name: topics.progress(),
        partitions: 1,
        cleanup_policy: "compact",
    };
    events.chain([progress]).collect()
}

fn wrong_partitions(wanted: &Wanted, found: i32, brokers: &str) -> Option<String> {
    let Wanted {
        name, partitions, ..
    } = wanted;
    (found != *partitions).then(|| {
        format!(
            "the topic `{name}` has {found} partitions and must have {partitions}: delete it (the relay \
             then creates it, and consumers read what is missing from the log), or use another prefix of \
             topics: kafka-topics.sh --bootstrap-server {brokers} --delete --topic {name}"
        )
    })
}

fn wrong_settings(wanted: &Wanted, found: &BTreeMap<String, String>, brokers: &str) -> Vec<String> {
    let Wanted {
        name,
        cleanup_policy,
        ..
    } = wanted;
    let mut wrong = Vec::new();
    let policy = found.get(CLEANUP_POLICY).map_or("", String::as_str);
    if policy != *cleanup_policy {
        let mend = configure(brokers, name, CLEANUP_POLICY, cleanup_policy);
        wrong.push(format!(
            "the topic `{name}` has {CLEANUP_POLICY} `{policy}` and must have `{cleanup_policy}`: {mend}"
        ));
    }
    let limit = found.get(MAX_MESSAGE).map_or("", String::as_str);
    if limit
        .parse()
        .is_ok_and(|limit: usize| limit < MAX_MESSAGE_BYTES)
    {
        let mend = raise_limit(brokers, name);
        wrong.push(format!(
            "the topic `{name}` takes {limit} bytes at most in a batch of messages ({MAX_MESSAGE}) and must \
             take {MAX_MESSAGE_BYTES}: {mend}"
        ));
    }
    wrong
}

/// Returns the number of partitions of every topic. Asks for all topics, because asking for one by name
/// may create it, with the brokers' own settings.
fn partition_counts(producer: &BaseProducer<Diagnostics>) -> anyhow::Result<HashMap<String, i32>> {
    let metadata = producer.client().fetch_metadata(None, REQUEST_TIMEOUT);
    let metadata =
        metadata.map_err(|error| kafka_diagnostics::explain(producer, error, "asking Kafka"))?;
    let counts = metadata.topics().iter().map(|topic| {
        let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        (topic.name().to_owned(), partitions)
    });
    Ok(counts.collect())
}

/// Returns true if nothing was ever written to a topic, so that more partitions move no key.
fn is_unused(
    producer: &BaseProducer<Diagnostics>,
    topic: &str,
    partitions: i32,
) -> anyhow::Result<bool> {
    for partition in 0..partitions {
        let ends = producer
            .client()
            .fetch_watermarks(topic, partition, REQUEST_TIMEOUT);
        let (_, end) =
            ends.map_err(|error| kafka_diagnostics::explain(producer, error, "asking Kafka"))?;
        if end > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn add_partitions(admin: &AdminClient<Diagnostics>, topic: &Wanted) -> anyhow::Result<()> {
    let count = usize::try_from(topic.partitions).context("a topic has some partitions")?;
    let new = NewPartitions::new(&topic.name, count);
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
    let results = admin.create_partitions([&new], &options).await;
    for result in results.context("Kafka does not answer")? {
        match result {
            Ok(name) => tracing::info!(topic = name, count, "partitions added to an unused topic"),
            Err((name, code)) => {
                bail!("the topic `{name}` cannot be given {count} partitions: {code}")
            }
        }
    }
    Ok(())
}

async fn create(admin: &AdminClient<Diagnostics>, missing: &[Wanted]) -> anyhow::Result<()> {
    let new = missing.iter().map(|topic| {
        NewTopic::new(&topic.name, topic.partitions, BROKERS_CHOICE)
            .set(CLEANUP_POLICY, topic.cleanup_policy)
    });
    let new: Vec<_> = new.collect();
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
    let results = admin.create_topics(&new, &options).await;
    for result in results.context("Kafka does not answer")? {
        match result {
            Ok(name) => tracing::info!(topic = name, "topic created"),
            // Another relay was faster.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => bail!("the topic `{name}` cannot be created: {code}"),
        }
    }
    Ok(())
}

/// Reads the settings in effect, whether they are a topic's own or its brokers' default. Returns `None`
/// when the brokers do not answer this one question. They may know no such request, or have no
/// controller for now, and accept messages all the same. A limit that is wrong then shows when an event is
/// refused, and the rest at the next start.
///
/// # Errors
/// When Kafka refuses to tell the settings of a topic.
async fn settings(
    admin: &AdminClient<Diagnostics>,
    wanted: &[Wanted],
) -> anyhow::Result<Option<Settings>> {
    let asked: Vec<_> = wanted
        .iter()
        .map(|topic| ResourceSpecifier::Topic(&topic.name))
        .collect();
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
    let told = match admin.describe_configs(&asked, &options).await {
        Err(KafkaError::AdminOp(
            reason @ (RDKafkaErrorCode::UnsupportedFeature | RDKafkaErrorCode::OperationTimedOut),
        )) => {
            tracing::warn!(%reason, "the settings of the topics are not checked: Kafka does not tell them");
            return Ok(None);
        }
        told => told.context("the settings of the topics cannot be read")?,
    };
    let mut settings = Settings::new();
    for resource in told {
        let resource = resource
            .map_err(|code| anyhow::anyhow!("the settings of the topics cannot be read: {code}"))?;
        let OwnedResourceSpecifier::Topic(name) = resource.specifier else {
            continue;
        };
        let entries = resource.entries.into_iter();
        let entries = entries.filter_map(|entry| Some((entry.name, entry.value?)));
        settings.insert(name, entries.collect());
    }
    for Wanted { name, .. } in wanted {
        let keys = settings.get(name);
        // An error of one topic comes as a topic without settings.
        ensure!(
            keys.is_some_and(|keys| [CLEANUP_POLICY, MAX_MESSAGE]
                .iter()
                .all(|key| keys.contains_key(*key))),
            "Kafka does not tell the settings of the topic `{name}`: allow the relay to describe \
             configurations (the operation DescribeConfigs on its topics)"
        );
    }
    Ok(Some(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(policy: &str, limit: usize) -> BTreeMap<String, String> {
        BTreeMap::from([
            (CLEANUP_POLICY.to_owned(), policy.to_owned()),
            (MAX_MESSAGE.to_owned(), limit.to_string()),
        ])
    }

    #[test]
    fn each_wrong_setting_is_named_with_the_command_that_mends_it() {
        let wanted = wanted(&Topics::default());
        let (job, progress) = (&wanted[1], wanted.last().expect("progress has a topic"));
        let right = |topic, policy| wrong_settings(topic, &found(policy, MAX_MESSAGE_BYTES), "k:1");
        assert_eq!(right(job, "delete"), Vec::<String>::new());
        assert_eq!(right(progress, "compact"), Vec::<String>::new());
        for (topic, policy) in [
            (job, "compact"),
            (job, "compact,delete"),
            (progress, "delete"),
            (progress, "compact,delete"),
        ] {
            let wrong = right(topic, policy);
            assert_eq!(wrong.len(), 1, "{policy}: {wrong:?}");
            let mend = format!(
                "kafka-configs.sh --bootstrap-server k:1 --alter --entity-type topics --entity-name {} \
                 --add-config cleanup.policy={}",
                topic.name, topic.cleanup_policy
            );
            assert!(wrong[0].ends_with(&mend), "{}", wrong[0]);
        }
        let both = wrong_settings(job, &found("compact", MAX_MESSAGE_BYTES - 1), "k:1");
        assert_eq!(both.len(), 2, "{both:?}");
        let mend = format!(
            "kafka-configs.sh --bootstrap-server k:1 --alter --entity-type topics --entity-name \
             clustergenie.job.v1 --add-config max.message.bytes={MAX_MESSAGE_BYTES}"
        );
        assert!(both[1].ends_with(&mend), "{}", both[1]);
    }
}
