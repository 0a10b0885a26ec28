//! The trait of every event, and the macro by which an aggregate declares its events.
//!
//! An aggregate declares its events in one table, `event_enum!`: variant, payload, stored name, current
//! schema version and a sample. The golden files and the published schemas are made from the samples, so an
//! event without a sample does not compile.
//!
//! Events are written and read in their *current* form only. Bytes of an older schema version pass through
//! the upcasters of the event store before they reach this module.

use std::fmt::Debug;

use thiserror::Error;

use crate::stream_type::StreamType;

/// The operations of every aggregate's event enum; implemented by `event_enum!`.
pub trait DomainEvent: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// The stored name and the current schema version of every event of this aggregate.
    const TYPES: &'static [(&'static str, i32)];

    /// Returns one sample of every event, in the order of [`Self::TYPES`].
    fn samples() -> Vec<Self>;

    /// Returns the stored name, such as `droplet_requested`. The name never changes once an event was
    /// stored.
    fn event_type(&self) -> &'static str;

    /// Returns the current schema version of the event's type, from 1.
    fn schema_version(&self) -> i32;

    /// Returns the payload as compact JSON, exactly as it is stored.
    ///
    /// # Errors
    /// When a payload does not serialise. The golden files show that this does not happen.
    fn to_json(&self) -> Result<String, serde_json::Error>;

    /// Returns the event of that stored name with that payload, which is of the current schema version.
    /// Unknown fields are ignored.
    ///
    /// # Errors
    /// When this aggregate has no such event, or the payload is not one of that event.
    fn from_json(event_type: &str, json: &str) -> Result<Self, DecodeError>;
}

/// The reason why stored bytes are not an event.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// No event has this stored name: a newer program wrote it, or it is not ours.
    #[error("no event is stored as {event_type:?}; was it written by a newer version?")]
    UnknownType {
        /// The stored name.
        event_type: String,
    },
    /// The payload lacks a part that events of this type have.
    #[error("the stored payload is not one of a current `{event_type}`")]
    Malformed {
        /// The stored name.
        event_type: String,
        /// The missing or wrong part of the payload, and its place.
        source: serde_json::Error,
    },
}

/// An event of another aggregate than the expected one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{event_type}` is not an event of a {expected}")]
pub struct ForeignEvent {
    /// The stored name of the given event.
    pub event_type: &'static str,
    /// The stream type of the expected aggregate.
    pub expected: StreamType,
}

/// Declares the event enum of one aggregate.
///
/// Each line of the table is `Variant(Payload) = "stored_name", version N, sample EXPRESSION;`. The stored
/// name never changes. Raise the version when the payload's form changes, and write the upcast from the
/// version before into the aggregate's `UPCASTS`.
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
