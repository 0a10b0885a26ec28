//! The envelope of an event: its place, its cause and its times.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::aggregate::AggregateId;
use domain::ids::{CommandId, CorrelationId, EventId, OrgId};
use domain::stream_type::StreamType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of one aggregate's history: its type and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// The type of the aggregate that the events belong to.
    pub stream_type: StreamType,
    /// The aggregate's id, unique over all types.
    pub uuid: Uuid,
}

impl StreamId {
    /// Returns the shard that every event of this stream belongs to, for ever.
    #[must_use]
    pub fn shard(&self) -> Shard {
        Shard::of(*self)
    }
}

impl<Id: AggregateId> From<Id> for StreamId {
    fn from(id: Id) -> Self {
        Self {
            stream_type: Id::STREAM_TYPE,
            uuid: id.into(),
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream_type, self.uuid)
    }
}

/// The number of events of a stream: the version of its last event. `0` is a stream without events.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(pub i64);

impl Version {
    /// The version of a stream that has no events.
    pub const NONE: Self = Self(0);

    /// Returns the version after `count` more events.
    #[must_use]
    pub fn plus(self, count: usize) -> Self {
        Self(self.0 + i64::try_from(count).expect("a stream has fewer than 2^63 events"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event's place in the log: dense (1, 2, 3, ...) and final. `0` is before the first event.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub i64);

impl Position {
    /// The position before the first event.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A fixed part of all streams: one partition of one Kafka topic, one checkpoint of a consumer.
///
/// The number is `stream type code * PARTITIONS + partition`. Kafka's own producers would choose the same
/// partition for the stream id as key, so that log and topics are cut the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard(pub i16);

impl Shard {
    /// The number of partitions of every topic. Never changed: keys would move between partitions.
    pub const PARTITIONS: i16 = 8;

    /// The highest code of a stream type that has shards.
    pub const MAX_TYPE_CODE: i16 = i16::MAX / Self::PARTITIONS;

    /// Returns the shard of a stream.
    #[must_use]
    pub fn of(stream: StreamId) -> Self {
        let mut text = Uuid::encode_buffer();
        let key = stream.uuid.hyphenated().encode_lower(&mut text).as_bytes();
        let hash = i32::from_ne_bytes(murmur2(key).to_ne_bytes()) & i32::MAX;
        let partition = i16::try_from(hash % i32::from(Self::PARTITIONS))
            .expect("a remainder of 8 fits 16 bits");
        Self::new(stream.stream_type, partition)
    }

    /// Returns the shard of one partition of a type's topic.
    #[must_use]
    pub fn new(stream_type: StreamType, partition: i16) -> Self {
        Self(stream_type.code() * Self::PARTITIONS + partition)
    }

    /// Returns all shards of the given types, in order.
    #[must_use]
    pub fn all(types: &[StreamType]) -> Vec<Self> {
        let mut shards: Vec<_> = types
            .iter()
            .flat_map(|&t| (0..Self::PARTITIONS).map(move |p| Self::new(t, p)))
            .collect();
        shards.sort_unstable();
        shards
    }

    /// Returns the stream type whose events are in this shard.
    #[must_use]
    pub fn stream_type(self) -> StreamType {
        StreamType::new(self.0.div_euclid(Self::PARTITIONS))
    }

    /// Returns the partition of the type's topic.
    #[must_use]
    pub fn partition(self) -> i16 {
        self.0.rem_euclid(Self::PARTITIONS)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream_type(), self.partition())
    }
}

/// The origin of the request behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestSource {
    /// The public API.
    Api,
    /// A process manager of the platform, reacting to an event.
    Process,
    /// An origin that only a newer program knows. This program never writes it.
    #[serde(other)]
    Newer,
}

impl RequestSource {
    /// Returns the name as it is stored and published.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Process => "process",
            Self::Newer => "newer",
        }
    }
}

/// The actor and the cause of an event; the same for all events of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The subject of the caller's token, or the name of the process manager.
    pub actor: String,
    /// The command that recorded the event.
    pub command_id: CommandId,
    /// The id that all commands and events of one outside request share.
    pub correlation_id: CorrelationId,
    /// The event that a process manager reacted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// The W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The origin of the request.
    pub source: RequestSource,
    /// The business time: the time of the change, as far as the caller knows.
    pub occurred_at: DateTime<Utc>,
}

/// A committed event as it is stored: the payload and metadata are the exact bytes written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// The stream of the event.
    pub stream: StreamId,
    /// The version of the event within its stream.
    pub version: Version,
    /// The unique id of the event, which follows from stream and version.
    pub event_id: EventId,
    /// The organization that owns the event.
    pub org: OrgId,
    /// The stored name, such as `droplet_requested`.
    pub event_type: String,
    /// The schema version of the payload as it was written.
    pub schema_version: i32,
    /// The payload, as JSON.
    pub data: String,
    /// The [`Metadata`], as JSON.
    pub metadata: String,
    /// The time at which the database recorded the event: our time, never the caller's.
    pub recorded_at: DateTime<Utc>,
}

/// A committed event, decoded to the shape of this program.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The stream of the event.
    pub stream: StreamId,
    /// The version of the event within its stream.
    pub version: Version,
    /// The unique id of the event, which follows from stream and version.
    pub event_id: EventId,
    /// The organization that owns the event.
    pub org: OrgId,
    /// The actor and the cause of the event.
    pub metadata: Metadata,
    /// The time at which the database recorded the event.
    pub recorded_at: DateTime<Utc>,
    /// The event itself.
    pub event: domain::registry::Event,
}

/// An event with its final position in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positioned<T> {
    /// The position of the event.
    pub position: Position,
    /// The event.
    pub event: T,
}

/// Returns the MurmurHash2 of a key with the seed of Kafka's Java client, which places keys by it
/// (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).expect("keys are shorter than 4 GiB");
    let mut hash = SEED ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_gives_the_hashes_of_kafkas_java_client() {
        // Vectors of Kafka's own UtilsTest.
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(
                i32::from_ne_bytes(murmur2(key.as_bytes()).to_ne_bytes()),
                hash,
                "{key}"
            );
        }
    }

    #[test]
    fn a_shard_knows_its_type_and_partition() {
        for shard in Shard::all(StreamType::known()) {
            assert_eq!(Shard::new(shard.stream_type(), shard.partition()), shard);
        }
        let of_a_newer_program = Shard(7_003);
        assert_eq!(of_a_newer_program.stream_type(), StreamType::new(875));
        assert_eq!(of_a_newer_program.to_string(), "type-875/3");
    }
}
