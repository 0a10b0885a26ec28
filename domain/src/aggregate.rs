//! The storage, naming and counting of an aggregate: what the platform needs beyond its rules.
//!
//! Generic code (codec, snapshots, names, counters, topics, activity) uses this trait, or the
//! [`AggregateInfo`](crate::registry::AggregateInfo) that the registry makes from it. Generic code names no
//! aggregate.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::counter::Counter;
use crate::decider::Decider;
use crate::stream_type::StreamType;
use crate::unique_name::UniqueName;

/// An aggregate of the [`registry`](crate::registry).
pub trait Aggregate: Decider {
    /// The id of the aggregate's streams. No other aggregate has ids of this type.
    type Id: AggregateId;

    /// The steps from payloads of older schema versions to the current one, one version each. A step is
    /// never edited once an event of its version was stored.
    const UPCASTS: &'static [Upcast] = &[];

    /// Returns the names that the aggregate holds in this state. No other stream may hold them.
    fn names(&self) -> Vec<UniqueName> {
        Vec::new()
    }

    /// Returns the counters to which the aggregate adds one in this state.
    fn counters(&self) -> Vec<Counter> {
        Vec::new()
    }

    /// Returns the label of the aggregate from this event on, for people. `None` if the event sets no
    /// label.
    fn label(event: &Self::Event) -> Option<&str>;

    /// Describes the event in one short sentence without its full stop. `label` is the aggregate's label
    /// after the event, if known.
    fn narrate(event: &Self::Event, id: Self::Id, label: Option<&str>) -> String;
}

/// The typed id of one aggregate's streams. Every aggregate of the registry implements it.
pub trait AggregateId: Copy + From<Uuid> + Into<Uuid> {
    /// The type of the streams that ids of this type name.
    const STREAM_TYPE: StreamType;
}

/// A step from a schema version of an event to the next.
#[derive(Debug)]
pub struct Upcast {
    /// The stored name of the event.
    pub event_type: &'static str,
    /// The schema version that the step takes. The step returns the next version.
    pub from: i32,
    /// Changes the payload.
    pub step: fn(&mut Map<String, Value>),
}
