//! A recorded event as a Kafka message: CloudEvents 1.0, Kafka binding, binary mode. Both directions are
//! here, so that consumers read what the relay writes.
//!
//! The value is the event's data, byte for byte as stored. All other attributes are in headers. Extension
//! attributes are lower case and alphanumeric, as the specification requires.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::ids::{EventId, OrgId};
use domain::stream_type::StreamType;

use crate::envelope::{Metadata, Position, Positioned, Shard, StoredEvent, StreamId, Version};
use crate::error::CodecError;
use crate::incarnation::IncarnationId;

/// The `ce_source` of every event.
pub const SOURCE: &str = "/clustergenie";

/// The header with the incarnation of the log that a message was published in.
pub const INCARNATION: &str = "ce_incarnation";

/// The names in Kafka that belong to one log. Two logs that share a Kafka need two prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
    /// The stream types that only newer programs know, with their names.
    learned: BTreeMap<StreamType, String>,
}

impl Topics {
    /// The prefix of a Kafka that serves one log.
    pub const PREFIX: &str = "clustergenie";

    /// Returns names that begin with the given prefix.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            learned: BTreeMap::new(),
        }
    }

    /// Adds the names of stream types, from [`stream_types::names`](crate::stream_types::names). The names
    /// of this program's own types stay as they are.
    pub fn learn(&mut self, names: impl IntoIterator<Item = (StreamType, String)>) {
        let names = names.into_iter();
        self.learned
            .extend(names.filter(|(stream_type, _)| stream_type.name().is_none()));
    }

    /// Returns true if a stream type has a name: one of this program, or one that was learned. Only such a
    /// type has a topic.
    #[must_use]
    pub fn is_known(&self, stream_type: StreamType) -> bool {
        self.name(stream_type).is_some()
    }

    /// Returns the stream types that have a topic, in the order of their codes.
    pub fn known(&self) -> impl Iterator<Item = StreamType> {
        let mut known: Vec<_> = StreamType::known().to_vec();
        known.extend(self.learned.keys());
        known.sort_unstable();
        known.into_iter()
    }

    /// Returns the topic of a stream type's events. For a type that [is not known](Self::is_known) the
    /// result names no topic, and nothing must be published to it.
    #[must_use]
    pub fn events(&self, stream_type: StreamType) -> String {
        match self.name(stream_type) {
            Some(name) => format!("{}.{name}.v1", self.prefix),
            None => format!("{}.{stream_type}.v1", self.prefix),
        }
    }

    fn name(&self, stream_type: StreamType) -> Option<&str> {
        let learned = || self.learned.get(&stream_type).map(String::as_str);
        stream_type.name().or_else(learned)
    }

    /// Returns the topic of the relay's own progress.
    #[must_use]
    pub fn progress(&self) -> String {
        format!("{}.relay.v1", self.prefix)
    }

    /// Returns the transactional id of the relay. Kafka lets one producer with this id act at a time.
    #[must_use]
    pub fn transactional_id(&self) -> String {
        format!("{}-relay", self.prefix)
    }

    /// Returns the consumer group of a consumer's code. Two versions are two groups, so that a version that
    /// must not write takes no partitions from the one that may. A rebuild reads the log and needs no
    /// group.
    #[must_use]
    pub fn group(&self, consumer: &str, version: i32) -> String {
        format!("{}-{consumer}-v{version}", self.prefix)
    }
}

impl Default for Topics {
    fn default() -> Self {
        Self::new(Self::PREFIX)
    }
}

/// A message, ready for a producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// The partition of the stream: the one that `murmur2_random` chooses for the key.
    pub partition: i32,
    /// The stream id.
    pub key: String,
    /// The headers, in order.
    pub headers: Vec<(&'static str, String)>,
    /// The event's data.
    pub value: String,
}

/// A message that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The event, with its position.
    pub event: Positioned<StoredEvent>,
    /// The incarnation of the log that the message was published in; `None` in messages of programs that knew none,
    /// which belong to the first.
    pub incarnation: Option<IncarnationId>,
    /// The position of the preceding event in the same shard. A consumer that has not applied that event
    /// knows that an event is missing.
    pub previous: Position,
}

/// Writes an event as a message, in an incarnation of the log. `previous` is the position of the preceding event in
/// its shard.
///
/// # Errors
/// When the stored metadata is not what this program writes, and when the stream's type is not
/// [known](Topics::is_known). Events in a topic of a made-up name could not be taken back.
pub fn encode(
    topics: &Topics,
    event: &Positioned<StoredEvent>,
    previous: Position,
    incarnation: Option<IncarnationId>,
) -> Result<Message, CodecError> {
    let Positioned { position, event } = event;
    let metadata: Metadata = serde_json::from_str(&event.metadata).map_err(CodecError::Metadata)?;
    let StreamId { stream_type, uuid } = event.stream;
    let name = topics
        .name(stream_type)
        .ok_or_else(|| CodecError::UnnamedStreamType {
            code: stream_type.code(),
        })?;
    let mut headers = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", event.event_id.to_string()),
        ("ce_source", SOURCE.to_owned()),
        ("ce_type", event.event_type.clone()),
        ("ce_subject", format!("{name}/{uuid}")),
        ("ce_time", timestamp(metadata.occurred_at)),
        ("content-type", "application/json".to_owned()),
        ("ce_position", position.to_string()),
        ("ce_previous", previous.to_string()),
        ("ce_streamversion", event.version.to_string()),
        ("ce_schemaversion", event.schema_version.to_string()),
        ("ce_organization", event.org.to_string()),
        ("ce_recordedat", timestamp(event.recorded_at)),
        ("ce_metadata", event.metadata.clone()),
    ];
    if let Some(incarnation) = incarnation {
        headers.push((INCARNATION, incarnation.to_string()));
    }
    if let Some(traceparent) = metadata.traceparent {
        headers.push(("traceparent", traceparent));
    }
    Ok(Message {
        topic: topics.events(stream_type),
        partition: i32::from(event.stream.shard().partition()),
        key: uuid.to_string(),
        headers,
        value: event.data.clone(),
    })
}

/// Reads a message of a shard. The result has a version and positions that an event can have. The caller
/// checks that the log has the event at that position.
///
/// # Errors
/// When a header is missing, malformed, or has an impossible value.
pub fn decode(
    shard: Shard,
    headers: &HashMap<&str, &str>,
    value: &str,
) -> Result<Received, CodecError> {
    let header = |name: &str| {
        headers
            .get(name)
            .copied()
            .ok_or_else(|| CodecError::Message(format!("the message has no header {name}")))
    };
    let stream_type = shard.stream_type();
    let subject = header("ce_subject")?;
    let uuid = subject.rsplit('/').next().unwrap_or_default();
    let event = StoredEvent {
        stream: StreamId {
            stream_type,
            uuid: parsed("ce_subject", uuid)?,
        },
        version: Version(parsed("ce_streamversion", header("ce_streamversion")?)?),
        event_id: EventId::new(parsed("ce_id", header("ce_id")?)?),
        org: OrgId::parse(header("ce_organization")?)
            .map_err(|e| CodecError::Message(format!("ce_organization: {e}")))?,
        event_type: header("ce_type")?.to_owned(),
        schema_version: parsed("ce_schemaversion", header("ce_schemaversion")?)?,
        data: value.to_owned(),
        metadata: header("ce_metadata")?.to_owned(),
        recorded_at: parsed("ce_recordedat", header("ce_recordedat")?)?,
    };
    let position = Position(parsed("ce_position", header("ce_position")?)?);
    let previous = Position(parsed("ce_previous", header("ce_previous")?)?);
    if event.version < Version(1) {
        return Err(impossible(
            "ce_streamversion",
            "an event's version",
            event.version,
        ));
    }
    if position < Position(1) {
        return Err(impossible("ce_position", "an event's position", position));
    }
    if previous < Position::START || previous >= position {
        return Err(impossible(
            "ce_previous",
            "the position before it",
            previous,
        ));
    }
    let incarnation = headers.get(INCARNATION);
    let incarnation = incarnation.map(|id| parsed(INCARNATION, id)).transpose()?;
    Ok(Received {
        incarnation: incarnation.map(IncarnationId),
        event: Positioned { position, event },
        previous,
    })
}

fn parsed<T: std::str::FromStr>(header: &str, text: &str) -> Result<T, CodecError> {
    text.parse()
        .map_err(|_| CodecError::Message(format!("the header {header} is `{text}`")))
}

fn impossible(header: &str, what: &str, found: impl Display) -> CodecError {
    CodecError::Message(format!(
        "the header {header} is {found}, which is not {what}"
    ))
}

/// Formats a time by RFC 3339 with the microseconds that Postgres keeps, so that reading restores the
/// stored time.
fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: StreamType = StreamType::new(7);

    #[test]
    fn a_type_has_a_topic_when_this_program_knows_it_or_has_learned_it() {
        let mut topics = Topics::default();
        assert_eq!(topics.events(StreamType::JOB), "clustergenie.job.v1");
        assert!(topics.is_known(StreamType::JOB) && !topics.is_known(CLUSTER));
        assert_eq!(topics.known().collect::<Vec<_>>(), StreamType::known());

        let learned = [(CLUSTER, "cluster".to_owned())];
        topics.learn(learned);
        assert!(topics.is_known(CLUSTER));
        assert_eq!(topics.events(CLUSTER), "clustergenie.cluster.v1");
        assert_eq!(topics.known().last(), Some(CLUSTER));
    }

    #[test]
    fn what_is_learned_never_renames_what_this_program_knows() {
        let mut topics = Topics::new("other");
        topics.learn([(StreamType::JOB, "work".to_owned())]);
        assert_eq!(topics.events(StreamType::JOB), "other.job.v1");
        assert_eq!(topics.known().collect::<Vec<_>>(), StreamType::known());
    }
}
