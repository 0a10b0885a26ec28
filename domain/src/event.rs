//! What every event can do, and how an aggregate declares its events.
//!
//! An aggregate declares its events in one table, `event_enum!`: variant, payload, stored name,
//! current schema version and a sample. The sample is what the golden files and the published
//! schemas are made from, so an event without one does not compile.
//!
//! Events are written and read in their *current* form only. Bytes of an older schema version pass
//! through the event store's upcasters before they come here.

use std::fmt::Debug;

use thiserror::Error;

use crate::decider::Decider;
pub use crate::registry::Event;
use crate::registry::{AGGREGATES, AggregateInfo};
use crate::stream_type::StreamType;

/// The events of an aggregate.
pub type EventOf<D> = <D as Decider>::Event;

impl Event {
    /// The event of that stored name with that payload, which is of the current schema version.
    ///
    /// # Errors
    /// When no aggregate has such an event, or the payload is not one of its.
    pub fn from_json(event_type: &str, json: &str) -> Result<Self, DecodeError> {
        let (aggregate, _) =
            Self::declared(event_type).ok_or_else(|| DecodeError::UnknownType {
                event_type: event_type.to_owned(),
            })?;
        (aggregate.decode)(event_type, json)
    }

    /// The aggregate that has an event of that stored name, and the event's current schema version.
    #[must_use]
    pub fn declared(event_type: &str) -> Option<(&'static AggregateInfo, i32)> {
        AGGREGATES.iter().find_map(|aggregate| {
            let mut events = aggregate.events.iter();
            let (_, version) = events.find(|(name, _)| *name == event_type)?;
            Some((aggregate, *version))
        })
    }

    /// Every event there is: type of stream, stored name, current schema version.
    pub fn types() -> impl Iterator<Item = (StreamType, &'static str, i32)> {
        AGGREGATES.iter().flat_map(|aggregate| {
            let events = aggregate.events.iter();
            events.map(|(name, version)| (aggregate.stream_type, *name, *version))
        })
    }

    /// One sample of every event, in the order of [`Event::types`], for golden files and docs.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        AGGREGATES
            .iter()
            .flat_map(|aggregate| (aggregate.samples)())
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
    /// The stored name and the current schema version of every event of this aggregate.
    const TYPES: &'static [(&'static str, i32)];

    /// One sample of every event, in the order of [`Self::TYPES`].
    fn samples() -> Vec<Self>;

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
/// upcast from the version before into the aggregate's `UPCASTS`.
macro_rules! event_enum {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident {
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

        impl crate::event::DomainEvent for $Enum {
            const TYPES: &'static [(&'static str, i32)] = &[$(($stored, $version)),+];

            fn samples() -> Vec<Self> {
                vec![$(Self::$Variant($sample)),+]
            }

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
    use crate::droplet::DropletEvent;
    use crate::job::JobEvent;

    #[test]
    fn stored_names_are_unique_and_carry_their_aggregate() {
        let mut seen = BTreeSet::new();
        for (stream_type, event_type, version) in Event::types() {
            assert!(seen.insert(event_type), "{event_type} is declared twice");
            assert!(
                event_type.starts_with(&stream_type.to_string()),
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
            let taken = [
                (
                    StreamType::DROPLET,
                    DropletEvent::try_from(event.clone()).is_ok(),
                ),
                (StreamType::JOB, JobEvent::try_from(event).is_ok()),
            ];
            for (aggregate, is_taken) in taken {
                assert_eq!(is_taken, aggregate == stream_type);
            }
        }
    }
}
