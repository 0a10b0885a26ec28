//! What the platform knows of an aggregate beyond its rules: how it is stored, called and counted.
//!
//! Everything generic (codec, snapshots, names, counters, topics, activity) goes by this trait or by
//! the [`AggregateInfo`](crate::registry::AggregateInfo) that the registry makes of it, and names no
//! aggregate.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::counter::Counter;
use crate::decider::Decider;
use crate::stream_type::StreamType;
use crate::unique_name::UniqueName;

/// An aggregate of the [`registry`](crate::registry).
pub trait Aggregate: Decider {
    /// The id of its streams, which names no other aggregate.
    type Id: AggregateId;

    /// How payloads of older schema versions become current, one step each. A step is never edited
    /// once an event of its version was stored.
    const UPCASTS: &'static [Upcast] = &[];

    /// The names that it holds in this state, and that no other stream may hold.
    fn names(&self) -> Vec<UniqueName> {
        Vec::new()
    }

    /// The counters that it adds one to in this state.
    fn counters(&self) -> Vec<Counter> {
        Vec::new()
    }

    /// What people call it from this event on, where the event says so.
    fn label(event: &Self::Event) -> Option<&str>;

    /// The event in one short sentence without its full stop; `label` is what people call the
    /// aggregate after the event, where that is known.
    fn narrate(event: &Self::Event, id: Self::Id, label: Option<&str>) -> String;
}

/// The typed id of one aggregate's streams; implemented for every aggregate of the registry.
pub trait AggregateId: Copy + From<Uuid> + Into<Uuid> {
    /// The type of the streams that it names.
    const STREAM_TYPE: StreamType;
}

/// One step from a schema version of an event to the next.
#[derive(Debug)]
pub struct Upcast {
    /// The stored name of the event.
    pub event_type: &'static str,
    /// The schema version that it takes; it gives the next one.
    pub from: i32,
    /// Changes the payload.
    pub step: fn(&mut Map<String, Value>),
}
