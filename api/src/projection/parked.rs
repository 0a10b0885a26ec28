//! The GraphQL type `ParkedStreams`: the events that a read model could not apply.

use projections::operations::ParkedStream as Parked;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::{GlobalId, WrittenId};
use crate::graph::scalars::{BigInt, Time};

/// Resources that a read model cannot follow any more.
pub(crate) struct ParkedStreams {
    /// The resources.
    nodes: Vec<ParkedStream>,
}

/// A resource that a read model cannot follow any more, because one of its events could not be applied.
/// Later events of the resource wait behind that event.
struct ParkedStream {
    /// The id of the resource, such as a droplet or a job.
    resource_id: WrittenId,
    /// The type of the event at fault.
    event_type: String,
    /// The version of the resource at this event.
    version: BigInt,
    /// The position of the event in the history.
    position: BigInt,
    /// The reason why the event could not be applied.
    reason: String,
    /// The number of attempts to apply the event.
    attempts: i32,
    /// The time of the first attempt.
    first_at: Time,
    /// The time of the last attempt.
    last_at: Time,
    /// The number of later events that wait behind the event.
    waiting: BigInt,
    /// The actor that skipped the resource in this read model, if the resource is skipped.
    skipped_by: Option<String>,
    /// The reason for the skip.
    skipped_reason: Option<String>,
    /// The time of the skip.
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

impl Object for ParkedStreams {
    const NAME: &'static str = "ParkedStreams";
    const DESCRIPTION: &'static str = "Resources that a read model cannot follow any more.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.part("nodes", "The resources.", |streams| &streams.nodes);
    }
}

impl Object for ParkedStream {
    const NAME: &'static str = "ParkedStream";
    const DESCRIPTION: &'static str = "A resource that a read model cannot follow any more, because one of its events could not \
         be applied. Later events of the resource wait behind that event.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.part(
            "resourceId",
            "The id of the resource, such as a droplet or a job.",
            |stream| &stream.resource_id,
        );
        fields.text("eventType", "The type of the event at fault.", |stream| {
            &stream.event_type
        });
        fields.value(
            "version",
            "The version of the resource at this event.",
            |stream| stream.version,
        );
        fields.value(
            "position",
            "The position of the event in the history.",
            |stream| stream.position,
        );
        fields.text(
            "reason",
            "The reason why the event could not be applied.",
            |stream| &stream.reason,
        );
        fields.value(
            "attempts",
            "The number of attempts to apply the event.",
            |stream| stream.attempts,
        );
        fields.value("firstAt", "The time of the first attempt.", |stream| {
            stream.first_at
        });
        fields.value("lastAt", "The time of the last attempt.", |stream| {
            stream.last_at
        });
        fields.value(
            "waiting",
            "The number of later events that wait behind the event.",
            |stream| stream.waiting,
        );
        fields.optional_text(
            "skippedBy",
            "The actor that skipped the resource in this read model, if the resource is skipped.",
            |stream| stream.skipped_by.as_deref(),
        );
        fields.optional_text("skippedReason", "The reason for the skip.", |stream| {
            stream.skipped_reason.as_deref()
        });
        fields.value("skippedAt", "The time of the skip.", |stream| {
            stream.skipped_at
        });
    }
}
