//! The enum of all events, and what every event can do.
//!
//! An aggregate declares its events in one table, `event_enum!`: variant, payload, stored name,
//! current schema version and a sample. The sample is what the golden files and the published
//! schemas are made from, so an event without one does not compile.
//!
//! Events are written and read in their *current* form only. Bytes of an older schema version pass
//! through the event store's upcasters before they come here.

use std::fmt::{self, Debug};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::droplet::DropletEvent;
use crate::job::JobEvent;

/// The type of a stream, one for each aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamType {
    /// A virtual machine: [`Droplet`](crate::droplet::Droplet).
    Droplet,
    /// A piece of work: [`Job`](crate::job::Job).
    Job,
}

impl StreamType {
    /// All types, in order of their codes.
    pub const ALL: [Self; 2] = [Self::Droplet, Self::Job];

    /// The name used in storage and in topics: `droplet`, `job`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Droplet => "droplet",
            Self::Job => "job",
        }
    }

    /// The number used in storage where a name would be wasteful. A code is never reused.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::Droplet => 0,
            Self::Job => 1,
        }
    }
}

impl fmt::Display for StreamType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for StreamType {
    type Err = UnknownStreamType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|stream_type| stream_type.as_str() == name)
            .ok_or_else(|| UnknownStreamType {
                name: name.to_owned(),
            })
    }
}

impl TryFrom<String> for StreamType {
    type Error = UnknownStreamType;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

/// A name that is no [`StreamType`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name:?} is not a stream type: use `droplet` or `job`")]
pub struct UnknownStreamType {
    /// What was given.
    pub name: String,
}

/// An event of any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An event of a droplet's stream.
    Droplet(DropletEvent),
    /// An event of a job's stream.
    Job(JobEvent),
}

impl Event {
    /// The type of the stream that the event belongs to.
    #[must_use]
    pub fn stream_type(&self) -> StreamType {
        match self {
            Self::Droplet(_) => StreamType::Droplet,
            Self::Job(_) => StreamType::Job,
        }
    }

    /// The stored name, such as `droplet_requested`; unique over all aggregates.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Droplet(event) => event.event_type(),
            Self::Job(event) => event.event_type(),
        }
    }

    /// The current schema version of the event's type, from 1.
    #[must_use]
    pub fn schema_version(&self) -> i32 {
        match self {
            Self::Droplet(event) => event.schema_version(),
            Self::Job(event) => event.schema_version(),
        }
    }

    /// The payload as compact JSON, exactly as it is stored.
    ///
    /// # Errors
    /// None that a payload of this crate can cause; see [`DomainEvent::to_json`].
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Droplet(event) => event.to_json(),
            Self::Job(event) => event.to_json(),
        }
    }

    /// The event of that stored name with that payload, which is of the current schema version.
    ///
    /// # Errors
    /// When no aggregate has such an event, or the payload is not one of its.
    pub fn from_json(event_type: &str, json: &str) -> Result<Self, DecodeError> {
        for stream_type in StreamType::ALL {
            let decoded = match stream_type {
                StreamType::Droplet => DropletEvent::from_json(event_type, json).map(Self::from),
                StreamType::Job => JobEvent::from_json(event_type, json).map(Self::from),
            };
            match decoded {
                // Not this aggregate's: perhaps the next one's.
                Err(DecodeError::UnknownType { .. }) => {}
                Err(error @ DecodeError::Malformed { .. }) => return Err(error),
                Ok(event) => return Ok(event),
            }
        }
        Err(DecodeError::UnknownType {
            event_type: event_type.to_owned(),
        })
    }

    /// Every event there is: type of stream, stored name, current schema version.
    pub fn types() -> impl Iterator<Item = (StreamType, &'static str, i32)> {
        StreamType::ALL.into_iter().flat_map(|stream_type| {
            let types = match stream_type {
                StreamType::Droplet => DropletEvent::TYPES,
                StreamType::Job => JobEvent::TYPES,
            };
            types
                .iter()
                .map(move |(event_type, version)| (stream_type, *event_type, *version))
        })
    }

    /// One sample of every event, in the order of [`Event::types`], for golden files and docs.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        StreamType::ALL
            .into_iter()
            .flat_map(|stream_type| match stream_type {
                StreamType::Droplet => DropletEvent::samples()
                    .into_iter()
                    .map(Self::from)
                    .collect::<Vec<_>>(),
                StreamType::Job => JobEvent::samples().into_iter().map(Self::from).collect(),
            })
            .collect()
    }
}

/// What every aggregate's event enum can do; implemented by `event_enum!`.
pub trait DomainEvent:
    Clone
    + Debug
    + PartialEq
    + Send
    + Sync
    + Into<Event>
    + TryFrom<Event, Error = ForeignEvent>
    + 'static
{
    /// The stored name, such as `droplet_requested`. It never changes once an event was stored.
    fn event_type(&self) -> &'static str;

    /// The current schema version of the event's type, from 1.
    fn schema_version(&self) -> i32;

    /// The payload as compact JSON, exactly as it is stored.
    ///
    /// # Errors
    /// Where a payload does not serialise, which the golden files show not to happen.
    fn to_json(&self) -> Result<String, serde_json::Error>;

    /// The event of that stored name with that payload, which is of the current schema version.
    /// Fields that are not known are ignored.
    ///
    /// # Errors
    /// When this aggregate has no such event, or the payload is not one of its.
    fn from_json(event_type: &str, json: &str) -> Result<Self, DecodeError>;
}

/// Why stored bytes are not an event.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// No event has this stored name: it was written by a newer program, or is not ours.
    #[error("no event is stored as {event_type:?}; was it written by a newer version?")]
    UnknownType {
        /// The stored name.
        event_type: String,
    },
    /// The payload lacks something that events of this type have.
    #[error("the stored payload is not one of a current `{event_type}`")]
    Malformed {
        /// The stored name.
        event_type: String,
        /// What is missing or wrong, and where.
        source: serde_json::Error,
    },
}

/// An event of another aggregate than the one it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{event_type}` is not an event of a {expected}")]
pub struct ForeignEvent {
    /// The stored name of the event at hand.
    pub event_type: &'static str,
    /// The aggregate it was taken for.
    pub expected: StreamType,
}

/// Declares the event enum of one aggregate.
///
/// Each line of the table is `Variant(Payload) = "stored_name", version N, sample EXPRESSION;`.
/// The stored name is for ever. Raise the version when the payload's form changes, and write the
/// upcaster from the version before in the event store.
macro_rules! event_enum {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident in $Aggregate:ident {
            $(
                $Variant:ident($Payload:ident) = $stored:literal,
                version $version:literal,
                sample $sample:expr;
            )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $Enum {
            $(
                #[doc = concat!("Stored as `", $stored, "`: see [`", stringify!($Payload), "`].")]
                $Variant($Payload),
            )+
        }

        impl $Enum {
            /// The stored name and the current schema version of every event of this aggregate.
            pub const TYPES: &'static [(&'static str, i32)] = &[$(($stored, $version)),+];

            /// One sample of every event, in the order of [`Self::TYPES`].
            #[must_use]
            pub fn samples() -> Vec<Self> {
                vec![$(Self::$Variant($sample)),+]
            }
        }

        impl crate::event::DomainEvent for $Enum {
            fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$Variant(_) => $stored,)+
                }
            }

            fn schema_version(&self) -> i32 {
                match self {
                    $(Self::$Variant(_) => $version,)+
                }
            }

            fn to_json(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$Variant(payload) => serde_json::to_string(payload),)+
                }
            }

            fn from_json(event_type: &str, json: &str) -> Result<Self, crate::event::DecodeError> {
                let decoded = match event_type {
                    $($stored => serde_json::from_str(json).map(Self::$Variant),)+
                    unknown => {
                        return Err(crate::event::DecodeError::UnknownType {
                            event_type: unknown.to_owned(),
                        });
                    }
                };
                decoded.map_err(|source| crate::event::DecodeError::Malformed {
                    event_type: event_type.to_owned(),
                    source,
                })
            }
        }

        impl From<$Enum> for crate::event::Event {
            fn from(event: $Enum) -> Self {
                Self::$Aggregate(event)
            }
        }

        impl TryFrom<crate::event::Event> for $Enum {
            type Error = crate::event::ForeignEvent;

            fn try_from(event: crate::event::Event) -> Result<Self, Self::Error> {
                let event_type = event.event_type();
                if let crate::event::Event::$Aggregate(event) = event {
                    Ok(event)
                } else {
                    Err(crate::event::ForeignEvent {
                        event_type,
                        expected: crate::event::StreamType::$Aggregate,
                    })
                }
            }
        }

        $(
            impl From<$Payload> for $Enum {
                fn from(payload: $Payload) -> Self {
                    Self::$Variant(payload)
                }
            }
        )+
    };
}
pub(crate) use event_enum;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn stream_types_are_found_by_their_names() {
        for stream_type in StreamType::ALL {
            assert_eq!(stream_type.as_str().parse(), Ok(stream_type));
            let json = serde_json::to_string(&stream_type).expect("it serialises");
            assert_eq!(json, format!("\"{stream_type}\""));
        }
        assert_eq!(
            "Droplet"
                .parse::<StreamType>()
                .expect_err("names are lower case")
                .to_string(),
            "\"Droplet\" is not a stream type: use `droplet` or `job`"
        );
    }

    #[test]
    fn stream_types_have_distinct_codes_in_order() {
        assert_eq!(StreamType::ALL.map(StreamType::code), [0, 1]);
    }

    #[test]
    fn stored_names_are_unique_and_carry_their_aggregate() {
        let mut seen = BTreeSet::new();
        for (stream_type, event_type, version) in Event::types() {
            assert!(seen.insert(event_type), "{event_type} is declared twice");
            assert!(
                event_type.starts_with(stream_type.as_str()),
                "{event_type} of {stream_type}"
            );
            assert!(version >= 1, "{event_type} has version {version}");
        }
    }

    #[test]
    fn samples_follow_the_list_of_types() {
        let of_samples: Vec<_> = Event::samples()
            .iter()
            .map(|event| {
                (
                    event.stream_type(),
                    event.event_type(),
                    event.schema_version(),
                )
            })
            .collect();
        assert_eq!(of_samples, Event::types().collect::<Vec<_>>());
    }

    #[test]
    fn every_sample_survives_storage() {
        for event in Event::samples() {
            let json = event.to_json().expect("samples serialise");
            let read = Event::from_json(event.event_type(), &json).expect("samples decode");
            assert_eq!(read, event);
        }
    }

    #[test]
    fn fields_that_are_not_known_are_ignored() {
        let event = Event::from_json("droplet_protected", r#"{"since":"later"}"#);
        assert_eq!(event.expect("it decodes").event_type(), "droplet_protected");
    }

    #[test]
    fn an_unknown_type_is_named() {
        let error = Event::from_json("droplet_sold", "{}").expect_err("there is no such event");
        assert!(
            matches!(&error, DecodeError::UnknownType { event_type } if event_type == "droplet_sold")
        );
    }

    #[test]
    fn a_malformed_payload_names_the_event_and_keeps_its_source_apart() {
        let error = Event::from_json("droplet_renamed", "{}").expect_err("it has no names");
        assert_eq!(
            error.to_string(),
            "the stored payload is not one of a current `droplet_renamed`"
        );
        let source = std::error::Error::source(&error).expect("it has a source");
        assert!(source.to_string().contains("missing field"), "{source}");
    }

    #[test]
    fn an_event_is_not_taken_for_one_of_another_aggregate() {
        for event in Event::samples() {
            let stream_type = event.stream_type();
            let droplet = DropletEvent::try_from(event.clone());
            let job = JobEvent::try_from(event);
            match stream_type {
                StreamType::Droplet => assert!(droplet.is_ok() && job.is_err()),
                StreamType::Job => assert!(droplet.is_err() && job.is_ok()),
            }
        }
    }
}
