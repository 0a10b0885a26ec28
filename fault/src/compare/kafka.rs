//! Checks Kafka: `read_committed` readers receive every event exactly once, and positions ascend in every
//! partition.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::history::{Event, History};
use crate::difference::Differences;
use crate::inject::DeletedTopic;
use crate::servers::kafka::topic;

const CHECK: &str = "kafka";
/// The types of streams, each with a topic.
pub(crate) const STREAM_TYPES: [&str; 3] = ["droplet", "job", "cluster"];
/// Timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time without a message after which the topics have no more messages.
const SILENCE: Duration = Duration::from_secs(2);

/// The message of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) stream_type: &'static str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) position: i64,
    pub(crate) version: i64,
}

/// Reads every committed message. Stops when all `expected` ones have arrived and no more follow, or when
/// `patience` has passed. Blocks.
///
/// # Errors
/// When the broker does not answer, or a message is not an event.
pub(crate) fn committed(
    mut config: ClientConfig,
    expected: usize,
    patience: Duration,
) -> anyhow::Result<Vec<Message>> {
    config
        .set("group.id", "fault-reader")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed");
    let consumer: BaseConsumer = config.create()?;
    let mut partitions = TopicPartitionList::new();
    for stream_type in STREAM_TYPES {
        let topic = topic(stream_type);
        let metadata = consumer.fetch_metadata(Some(&topic), REQUEST_TIMEOUT)?;
        for partition in metadata
            .topics()
            .iter()
            .flat_map(|topic| topic.partitions())
        {
            partitions.add_partition_offset(&topic, partition.id(), Offset::Beginning)?;
        }
    }
    consumer.assign(&partitions)?;
    let begun = Instant::now();
    let mut messages = Vec::new();
    let mut positions = HashSet::new();
    let mut came = Instant::now();
    while begun.elapsed() < patience {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                let message = event(&message)?;
                positions.insert(message.position);
                messages.push(message);
                came = Instant::now();
            }
            // The client reconnects by itself.
            Some(Err(_)) => {}
            None if positions.len() >= expected && came.elapsed() > SILENCE => break,
            None => {}
        }
    }
    Ok(messages)
}

/// Least number of messages that must exist.
pub(crate) fn expected(history: &History, deleted_topics: &[DeletedTopic]) -> usize {
    let placed = history
        .events
        .iter()
        .filter(|event| event.position.is_some());
    placed
        .filter(|event| !is_gone(event, deleted_topics))
        .count()
}

/// Checks messages against the history. The messages of one partition are in the order of the partition.
pub(crate) fn check(
    messages: &[Message],
    history: &History,
    deleted_topics: &[DeletedTopic],
    differences: &Differences,
) {
    let mut by_position: HashMap<i64, Vec<&Message>> = HashMap::new();
    let mut last: HashMap<(&str, i32), i64> = HashMap::new();
    let mut partitions: HashMap<&str, i32> = HashMap::new();
    for message in messages {
        let Message {
            stream_type,
            partition,
            key,
            position,
            ..
        } = message;
        by_position.entry(*position).or_default().push(message);
        let before = last.insert((stream_type, *partition), *position);
        if let Some(before) = before.filter(|before| before >= position) {
            differences.note(
                CHECK,
                format!(
                    "{stream_type}/{partition}: position {position} comes after position {before}"
                ),
            );
        }
        let other = *partitions.entry(key).or_insert(*partition);
        if other != *partition {
            differences.note(
                CHECK,
                format!("{key} is in {stream_type}/{other} and in {stream_type}/{partition}"),
            );
        }
    }
    for event in &history.events {
        let Some(position) = event.position else {
            continue;
        };
        let found = by_position.remove(&position).unwrap_or_default();
        let name = format!(
            "position {position} ({}/{} version {})",
            event.stream_type, event.stream, event.version
        );
        match found[..] {
            [] => {
                if !is_gone(event, deleted_topics) {
                    differences.note(CHECK, format!("{name} is not there"));
                }
            }
            [message] => {
                let key = event.stream.to_string();
                if message.key != key
                    || message.version != event.version
                    || message.stream_type != event.stream_type
                {
                    differences.note(CHECK, format!("{name} is there as {message:?}"));
                }
            }
            _ => {
                let places: Vec<_> = found
                    .iter()
                    .map(|m| format!("{}/{} offset {}", m.stream_type, m.partition, m.offset))
                    .collect();
                differences.note(
                    CHECK,
                    format!(
                        "{name} is there {} times: {}",
                        found.len(),
                        places.join(", ")
                    ),
                );
            }
        }
    }
    for (position, found) in by_position {
        differences.note(
            CHECK,
            format!(
                "position {position} is there and was never recorded: {:?}",
                found[0]
            ),
        );
    }
}

/// True if an event may have been lost with a deleted topic.
fn is_gone(event: &Event, deleted_topics: &[DeletedTopic]) -> bool {
    let holds = |topic: &&DeletedTopic| topic.stream_type == event.stream_type;
    let mut of_its_topic = deleted_topics.iter().filter(holds);
    of_its_topic.any(|topic| {
        event
            .position
            .is_some_and(|position| position <= topic.up_to)
    })
}

fn event(message: &BorrowedMessage<'_>) -> anyhow::Result<Message> {
    let stream_type = STREAM_TYPES
        .into_iter()
        .find(|kind| topic(kind) == message.topic());
    let key = message
        .key()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    Ok(Message {
        stream_type: stream_type.context("a message of another topic")?,
        partition: message.partition(),
        offset: message.offset(),
        key: key.into_owned(),
        position: number(message, "ce_position")?,
        version: number(message, "ce_streamversion")?,
    })
}

fn number(message: &BorrowedMessage<'_>, name: &str) -> anyhow::Result<i64> {
    let headers = message.headers().context("a message has no headers")?;
    let header = headers
        .iter()
        .find(|header| header.key == name)
        .and_then(|header| header.value);
    let text = std::str::from_utf8(header.with_context(|| format!("a message has no {name}"))?)?;
    Ok(text.parse()?)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::history::tests::event;
    use super::*;

    fn message(position: i64, version: i64) -> Message {
        Message {
            stream_type: "droplet",
            partition: 0,
            offset: position,
            key: Uuid::from_u128(1).to_string(),
            position,
            version,
        }
    }

    fn found(messages: &[Message], deleted_topics: &[DeletedTopic]) -> usize {
        let history = History::folded(vec![
            event(1, 1, 1, "droplet_requested"),
            event(2, 1, 2, "droplet_tagged"),
            event(3, 1, 3, "droplet_renamed"),
        ]);
        let differences = Differences::default();
        check(messages, &history, deleted_topics, &differences);
        differences.all().len()
    }

    #[test]
    fn a_doubled_a_missing_an_out_of_order_and_a_strange_message_are_found() {
        let good = [message(1, 1), message(2, 2), message(3, 3)];
        assert_eq!(found(&good, &[]), 0);
        assert_eq!(found(&good[1..], &[]), 1, "missing");
        let doubled = [
            good[0].clone(),
            good[0].clone(),
            good[1].clone(),
            good[2].clone(),
        ];
        assert_eq!(found(&doubled, &[]), 2, "doubled, and hence out of order");
        let swapped = [good[1].clone(), good[0].clone(), good[2].clone()];
        assert_eq!(found(&swapped, &[]), 1, "out of order");
        let strange = [good.as_slice(), &[message(4, 4)]].concat();
        assert_eq!(found(&strange, &[]), 1, "never recorded");
        let moved = [
            good[0].clone(),
            good[1].clone(),
            Message {
                partition: 1,
                ..good[2].clone()
            },
        ];
        assert_eq!(found(&moved, &[]), 1, "a key in two partitions");
        let other = [
            message(1, 1),
            message(2, 2),
            Message {
                key: String::new(),
                ..message(3, 3)
            },
        ];
        assert_eq!(found(&other, &[]), 1, "another key");
    }

    #[test]
    fn an_event_that_comes_after_later_ones_of_other_streams_is_found() {
        let history = History::folded(vec![
            event(1, 1, 1, "droplet_requested"),
            event(2, 2, 1, "droplet_requested"),
        ]);
        let of = |stream: u128, partition, position| Message {
            key: Uuid::from_u128(stream).to_string(),
            partition,
            ..message(position, 1)
        };
        let found = |messages: &[Message]| {
            let differences = Differences::default();
            check(messages, &history, &[], &differences);
            differences.all().len()
        };
        assert_eq!(found(&[of(1, 0, 1), of(2, 0, 2)]), 0);
        assert_eq!(found(&[of(2, 0, 2), of(1, 0, 1)]), 1);
        assert_eq!(found(&[of(2, 1, 2), of(1, 0, 1)]), 0, "other partitions");
    }

    #[test]
    fn a_deleted_topic_loses_what_it_held_and_nothing_else() {
        let deleted_topics = |stream_type: &str, up_to| {
            let stream_type = stream_type.to_owned();
            [DeletedTopic { stream_type, up_to }]
        };
        let rest = [message(2, 2), message(3, 3)];
        assert_eq!(found(&rest, &deleted_topics("droplet", 1)), 0);
        assert_eq!(found(&rest, &deleted_topics("job", 1)), 1, "another topic");
        assert_eq!(
            found(&rest[1..], &deleted_topics("droplet", 1)),
            1,
            "lost after that"
        );
    }
}
