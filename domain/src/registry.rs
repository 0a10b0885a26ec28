//! The aggregates of this program, one line each.
//!
//! A line gives the constant and the code of the aggregate's stream type, its name in storage and in
//! topics, its variant of [`Event`], its type and its id. Codes and names are for ever. Everything that
//! enumerates aggregates goes by this list; to add one, write its folder and its line.

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

/// What is known of an aggregate without its type at hand.
#[derive(Debug)]
pub struct AggregateInfo {
    /// The type of its streams.
    pub stream_type: StreamType,
    /// Its name in storage and in topics, such as `droplet`.
    pub name: &'static str,
    /// The name of its type, for people and for GraphQL, such as `Droplet`.
    pub type_name: &'static str,
    /// The stored name and the current schema version of each of its events.
    pub events: &'static [(&'static str, i32)],
    /// How older payloads become current.
    pub upcasts: &'static [Upcast],
    /// The event of that stored name with that payload, which is of the current schema version.
    pub(crate) decode: fn(&str, &str) -> Result<Event, DecodeError>,
    /// One sample of each of its events, in the order of `events`.
    pub(crate) samples: fn() -> Vec<Event>,
    /// The version of the serialised state, and every state that the samples lead to, as JSON: for
    /// golden files.
    pub states: fn() -> (i32, Vec<String>),
}

/// An aggregate whose events are variants of [`Event`]: every aggregate of the list.
pub trait Registered: Aggregate<Event: Into<Event> + TryFrom<Event, Error = ForeignEvent>> {}

impl<A> Registered for A where
    A: Aggregate<Event: Into<Event> + TryFrom<Event, Error = ForeignEvent>>
{
}
