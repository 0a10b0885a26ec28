//! The aggregates of this program, one line each.
//!
//! A line gives the constant and the code of the aggregate's stream type, and its name in storage and in
//! topics. Then follow the variant of [`Event`], the type and the id of the aggregate. Codes and names
//! never change. All code that enumerates aggregates uses this list. To add an aggregate, write its folder
//! and its line.

use crate::aggregate::{Aggregate, AggregateId, Upcast};
use crate::decider::{Decider, EventOf};
use crate::event::{DecodeError, DomainEvent, ForeignEvent};
use crate::ids::{ClusterId, DropletId, JobId};
use crate::stream_type::StreamType;
use crate::{cluster, droplet, job};

mod declare;
mod event;
mod stream_types;

use self::declare::aggregates;
pub use self::stream_types::UnknownStreamType;

aggregates! {
    DROPLET = 0, "droplet", Droplet(droplet::Droplet), DropletId;
    JOB = 1, "job", Job(job::Job), JobId;
    CLUSTER = 2, "cluster", Cluster(cluster::Cluster), ClusterId;
}

/// The description of an aggregate, usable without its Rust type.
#[derive(Debug)]
pub struct AggregateInfo {
    /// The type of the aggregate's streams.
    pub stream_type: StreamType,
    /// The name of the aggregate in storage and in topics, such as `droplet`.
    pub name: &'static str,
    /// The name of the aggregate's type, for people and for GraphQL, such as `Droplet`.
    pub type_name: &'static str,
    /// The stored name and the current schema version of each of the aggregate's events.
    pub events: &'static [(&'static str, i32)],
    /// The steps from older payloads to current ones.
    pub upcasts: &'static [Upcast],
    /// Returns the event of that stored name with that payload, which is of the current schema version.
    pub(crate) decode: fn(&str, &str) -> Result<Event, DecodeError>,
    /// Returns one sample of each of the aggregate's events, in the order of `events`.
    pub(crate) samples: fn() -> Vec<Event>,
    /// Returns the version of the serialised state, and every state that the samples lead to, as JSON.
    /// Golden files use both.
    pub states: fn() -> (i32, Vec<String>),
}

/// An aggregate whose events are variants of [`Event`]. Every aggregate of the list is one.
pub trait Registered: Aggregate<Event: Into<Event> + TryFrom<Event, Error = ForeignEvent>> {}

impl<A> Registered for A where
    A: Aggregate<Event: Into<Event> + TryFrom<Event, Error = ForeignEvent>>
{
}
