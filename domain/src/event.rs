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

use crate::stream_type::StreamType;

/// What every aggregate's event enum can do; implemented by `event_enum!`.
pub trait DomainEvent: Clone + Debug + PartialEq + Send + Sync + 'static {
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
