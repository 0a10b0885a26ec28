//! A recorded event as a Kafka message: CloudEvents 1.0, Kafka binding, binary mode. Both directions
//! are here, so that what the relay writes is what consumers read.
//!
//! The value is the event's data, byte for byte as stored; everything else is in headers. Extension
//! attributes are lower case and alphanumeric, as the specification wants.

use std::collections::HashMap;
use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::ids::{EventId, OrgId};
use domain::stream_type::StreamType;

use crate::envelope::{Metadata, Position, Positioned, Shard, StoredEvent, StreamId, Version};
use crate::error::CodecError;

/// `ce_source` of every event.
pub const SOURCE: &str = "/clustergenie";

/// The names of everything in Kafka that belongs to one log. Two logs that share a Kafka need two
/// prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
}

impl Topics {
    /// The prefix of a Kafka that serves one log.
    pub const PREFIX: &str = "clustergenie";

    /// Names that begin with the given prefix.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// The topic of a stream type's events.
    #[must_use]
    pub fn events(&self, stream_type: StreamType) -> String {
        format!("{}.{}.v1", self.prefix, stream_type)
    }

    /// The topic of the relay's own progress.
    #[must_use]
    pub fn progress(&self) -> String {
        format!("{}.relay.v1", self.prefix)
    }

    /// The transactional id of the relay: Kafka lets one producer with it act at a time.
    #[must_use]
    pub fn transactional_id(&self) -> String {
        format!("{}-relay", self.prefix)
    }

    /// The group of a consumer's code. Two versions are two groups, so that one that must not write takes no
    /// partitions from the one that may. A generation in the making reads the log and needs none.
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
    /// Where it goes.
    pub topic: String,
    /// The partition of the stream; what `murmur2_random` chooses for the key.
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
    /// The event in its place.
    pub event: Positioned<StoredEvent>,
    /// The position of the event before it in the same shard: a consumer that has not applied that
    /// one knows that something is missing here.
    pub previous: Position,
}

/// Writes an event as a message. `previous` is the position of the event before it in its shard.
///
/// # Errors
/// When the stored metadata is not what we write.
pub fn encode(
    topics: &Topics,
    event: &Positioned<StoredEvent>,
    previous: Position,
) -> Result<Message, CodecError> {
    let Positioned { position, event } = event;
    let metadata: Metadata = serde_json::from_str(&event.metadata).map_err(CodecError::Metadata)?;
    let mut headers = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", event.event_id.to_string()),
        ("ce_source", SOURCE.to_owned()),
        ("ce_type", event.event_type.clone()),
        ("ce_subject", event.stream.to_string()),
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
    if let Some(traceparent) = metadata.traceparent {
        headers.push(("traceparent", traceparent));
    }
    Ok(Message {
        topic: topics.events(event.stream.stream_type),
        partition: i32::from(event.stream.shard().partition()),
        key: event.stream.uuid.to_string(),
        headers,
        value: event.data.clone(),
    })
}

/// Reads a message of a shard back. What it gives has a version and a position that an event can have,
/// and an event before it that stands before it; whether the log has it there is for the caller to see.
///
/// # Errors
/// When a header is missing, malformed, or says what cannot be.
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
    Ok(Received {
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

/// RFC 3339 with the microseconds that Postgres keeps, so that reading gives back what was stored.
fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
