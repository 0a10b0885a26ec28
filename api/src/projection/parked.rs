//! The GraphQL type `ParkedStreams`: the events that a read model could not apply.

use projections::operations::ParkedStream;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::GlobalId;
use crate::graph::scalars::{BigInt, Time};

/// Resources that a read model cannot follow any more.
pub(crate) struct ParkedStreams(pub(super) Vec<ParkedStream>);

impl Object for ParkedStreams {
    const NAME: &'static str = "ParkedStreams";
    const DESCRIPTION: &'static str = "Resources that a read model cannot follow any more.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.part("nodes", "The resources.", |streams| &streams.0);
    }
}

impl Object for ParkedStream {
    const NAME: &'static str = "ParkedStream";
    const DESCRIPTION: &'static str = "A resource that a read model cannot follow any more, because one of its events could not \
         be applied. Later events of the resource wait behind that event.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "resourceId",
            "The id of the resource, such as a droplet or a job.",
            |stream| GlobalId::of_stream(stream.stream_type, stream.stream_id),
        );
        fields.text("eventType", "The type of the event at fault.", |stream| {
            &stream.event_type
        });
        fields.value(
            "version",
            "The version of the resource at this event.",
            |stream| BigInt(stream.version),
        );
        fields.value(
            "position",
            "The position of the event in the history.",
            |stream| BigInt(stream.position),
        );
        fields.text(
            "reason",
            "The reason why the event could not be applied.",
            |stream| &stream.error,
        );
        fields.value(
            "attempts",
            "The number of attempts to apply the event.",
            |stream| stream.attempts,
        );
        fields.value("firstAt", "The time of the first attempt.", |stream| {
            Time(stream.first_at)
        });
        fields.value("lastAt", "The time of the last attempt.", |stream| {
            Time(stream.last_at)
        });
        fields.value(
            "waiting",
            "The number of later events that wait behind the event.",
            |stream| BigInt(stream.waiting),
        );
        fields.optional_text(
            "skippedBy",
            "The actor that skipped the resource in this read model, if the resource is skipped.",
            |stream| stream.skipped_by.as_deref(),
        );
        fields.optional_text("skippedReason", "The reason for the skip.", |stream| {
            stream.skipped_because.as_deref()
        });
        fields.value("skippedAt", "The time of the skip.", |stream| {
            stream.skipped_at.map(Time)
        });
    }
}
