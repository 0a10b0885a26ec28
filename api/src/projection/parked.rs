//! `ParkedStreams`: what a read model could not take in.

use async_graphql::{ID, SimpleObject};
use projections::operations::ParkedStream as Parked;

use crate::graph::global_id::GlobalId;
use crate::graph::scalars::{BigInt, Time};

/// Resources that a read model cannot follow any more.
#[derive(SimpleObject)]
pub(crate) struct ParkedStreams {
    /// The resources.
    nodes: Vec<ParkedStream>,
}

/// A resource that a read model cannot follow any more, because it could not take in one of its events.
/// Later events of it wait behind that one.
#[derive(SimpleObject)]
struct ParkedStream {
    /// The id of the droplet or the job.
    resource_id: ID,
    /// The type of the event at fault.
    event_type: String,
    /// The version of the droplet or the job that this event made.
    version: BigInt,
    /// Where the event stands in the history.
    position: BigInt,
    /// Why it could not be taken in.
    reason: String,
    /// How often it was tried.
    attempts: i32,
    /// When it was tried first.
    first_at: Time,
    /// When it was tried last.
    last_at: Time,
    /// How many later events wait behind it.
    waiting: BigInt,
    /// Who gave it up in this read model, if somebody did.
    skipped_by: Option<String>,
    /// Why.
    skipped_reason: Option<String>,
    /// When.
    skipped_at: Option<Time>,
}

impl From<Vec<Parked>> for ParkedStreams {
    fn from(parked: Vec<Parked>) -> Self {
        let nodes = parked.into_iter().map(ParkedStream::from);
        Self {
            nodes: nodes.collect(),
        }
    }
}

impl From<Parked> for ParkedStream {
    fn from(parked: Parked) -> Self {
        Self {
            resource_id: GlobalId::of_stream(parked.stream_type, parked.stream_id),
            event_type: parked.event_type,
            version: BigInt(parked.version),
            position: BigInt(parked.position),
            reason: parked.error,
            attempts: parked.attempts,
            first_at: Time(parked.first_at),
            last_at: Time(parked.last_at),
            waiting: BigInt(parked.waiting),
            skipped_by: parked.skipped_by,
            skipped_reason: parked.skipped_because,
            skipped_at: parked.skipped_at.map(Time),
        }
    }
}
