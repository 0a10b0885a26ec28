//! The bytes that a command commits. They are checked before they are sent, so that sending cannot fail
//! because of their content.

use domain::counter::Counter;
use domain::registry::Event;
use domain::unique_name::{Reach, UniqueName};
use uuid::Uuid;

use super::Append;
use crate::envelope::{StreamId, Version};
use crate::write::name::NameChange;

/// The largest payload of one event, in bytes of JSON.
pub const MAX_EVENT_BYTES: usize = 60 * 1024;

/// An [`Append`] turned into bytes, checked, ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    append: Append,
    pub(super) metadata: String,
    /// The document of the record.
    pub(super) record: Option<String>,
    pub(super) events: Vec<PreparedEvent>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct PreparedEvent {
    pub(super) stream: StreamId,
    pub(super) version: Version,
    pub(super) event_type: &'static str,
    pub(super) schema_version: i32,
    pub(super) data: String,
}

/// The reason why an [`Append`] cannot be stored at all.
#[derive(Debug, thiserror::Error)]
pub enum Unstorable {
    /// The payload is over [`MAX_EVENT_BYTES`].
    #[error("the event {event_type} is {bytes} bytes long; at most {MAX_EVENT_BYTES} are stored")]
    TooLarge {
        /// The stored name of the event.
        event_type: &'static str,
        /// The size of the payload in bytes.
        bytes: usize,
    },
    /// A payload, the metadata or the record cannot be written as JSON.
    #[error("the {what} cannot be written as JSON")]
    NotJson {
        /// The stored name of the event, or what else it is.
        what: &'static str,
        /// The error of the serialisation.
        #[source]
        source: serde_json::Error,
    },
}

impl Prepared {
    /// Encodes and checks the events, so that sending them later cannot fail because of their content.
    ///
    /// # Errors
    /// When an event is too large or is no JSON.
    pub fn new(append: Append) -> Result<Self, Unstorable> {
        debug_assert!(append.streams.iter().all(|s| !s.events.is_empty()));
        debug_assert!(
            !append.streams.is_empty() || append.keyed.is_some() || append.record.is_some()
        );
        let is_written = |stream| append.streams.iter().any(|s| s.stream == stream);
        debug_assert!(!append.reads.iter().any(|(stream, _)| is_written(*stream)));
        let metadata =
            serde_json::to_string(&append.metadata).map_err(|source| Unstorable::NotJson {
                what: "metadata",
                source,
            })?;
        let mut events = Vec::new();
        let record = append.record.as_ref();
        let record = record.map(|record| record.document(&append.metadata));
        let record = record.transpose().map_err(|source| Unstorable::NotJson {
            what: "record of the command",
            source,
        })?;
        let mut bytes = record.as_ref().map_or(0, String::len);
        for write in &append.streams {
            for (i, event) in write.events.iter().enumerate() {
                let data = encoded(event)?;
                bytes += data.len() + metadata.len();
                events.push(PreparedEvent {
                    stream: write.stream,
                    version: write.expected.plus(i + 1),
                    event_type: event.event_type(),
                    schema_version: event.schema_version(),
                    data,
                });
            }
        }
        Ok(Self {
            append,
            metadata,
            record,
            events,
            bytes,
        })
    }

    /// Returns the number of events.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// Returns the approximate number of bytes to send.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns true if the append needs the parts of the statement that most commands can do without.
    pub(super) fn shares(&self) -> bool {
        let hands_over = |change: &NameChange| match change {
            NameChange::HandOver { .. } => true,
            NameChange::Take(..) | NameChange::Release(..) => false,
        };
        let Append {
            reads,
            counters,
            names,
            ..
        } = &self.append;
        !reads.is_empty() || !counters.is_empty() || names.iter().any(hands_over)
    }

    /// Returns the append that the bytes were made from.
    pub(crate) fn append(&self) -> &Append {
        &self.append
    }

    /// Returns the reads and writes by which two appends of one statement must not collide. Counters are
    /// not among them: appends of one statement may change the same one.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (Claim<'_>, Access)> {
        let reads = self.append.reads.iter();
        let reads = reads.map(|(stream, _)| (Claim::Stream(stream.uuid), Access::Read));
        self.written()
            .map(|claim| (claim, Access::Write))
            .chain(reads)
    }

    /// Returns all whose rows the append reads or locks. An append that shares one with the append of a running
    /// statement would wait for that statement's end.
    pub(crate) fn concerns(&self) -> impl Iterator<Item = Claim<'_>> {
        let org = self.append.org.as_str();
        let counters = self.append.counters.iter().map(move |change| {
            let Counter { scope, key } = &change.counter;
            Claim::Counter(owner(scope.reach, org), scope.name, key)
        });
        self.claims().map(|(claim, _)| claim).chain(counters)
    }

    fn written(&self) -> impl Iterator<Item = Claim<'_>> {
        let org = self.append.org.as_str();
        let streams = self
            .append
            .streams
            .iter()
            .map(|s| Claim::Stream(s.stream.uuid));
        let names = self.append.names.iter().map(move |n| {
            let UniqueName { scope, key } = n.name();
            Claim::Name(owner(scope.reach, org), scope.name, key)
        });
        let key = self
            .append
            .keyed
            .iter()
            .map(move |k| Claim::Key(org, &k.key));
        streams.chain(names).chain(key)
    }
}

/// Returns the payload of an event as it is stored.
///
/// # Errors
/// When the payload is too large or is no JSON.
pub fn encoded(event: &Event) -> Result<String, Unstorable> {
    let event_type = event.event_type();
    let data = event.to_json().map_err(|source| Unstorable::NotJson {
        what: event_type,
        source,
    })?;
    if data.len() > MAX_EVENT_BYTES {
        return Err(Unstorable::TooLarge {
            event_type,
            bytes: data.len(),
        });
    }
    Ok(data)
}

/// The access of a command to a [`Claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Returns the organization that a name or a counter is stored under: none for those of the whole platform.
pub(crate) fn owner(reach: Reach, org: &str) -> &str {
    match reach {
        Reach::Organization => org,
        Reach::Platform => "",
    }
}

/// A stream, name, key or counter that a command concerns. Commands of one statement may read one of the first three
/// together; if one of them writes it, no other may touch it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim<'a> {
    Stream(Uuid),
    Name(&'a str, &'a str, &'a str),
    Key(&'a str, &'a str),
    /// Commands of one statement may change the same counter.
    Counter(&'a str, &'a str, &'a str),
}
