//! The GraphQL type `Activity`.

use projections::activity::ActivityRow;
use projections::history::StreamId;

use crate::graph::connection::Paged;
use crate::graph::event_type::EventType;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::GlobalId;
use crate::graph::node;
use crate::graph::resource_type::ResourceType;
use crate::graph::scalars::{BigInt, Time};

impl Paged for ActivityRow {
    type Extra = ();

    const ITEMS: &'static str = "activity";
}

impl Object for ActivityRow {
    const NAME: &'static str = "Activity";
    const DESCRIPTION: &'static str = "A line for people about an event.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "position",
            "The position of the event in the history of the platform.",
            |line| BigInt(line.position.0),
        );
        fields.log_cursor(
            "cursor",
            "The cursor of the event, for the argument `after` of subscriptions.",
            |line| line.position,
        );
        fields.value(
            "kind",
            "The type of the event. Null if only a newer version of the platform knows the type, which is \
             possible during an upgrade.",
            |line| EventType::stored_as(&line.kind),
        );
        fields
            .text(
                "kindName",
                "The stored name of the event's type, such as `droplet_activated`.",
                |line| &line.kind,
            )
            .columns(&["kind"]);
        fields.value(
            "resourceType",
            "The type of the event's resource. Null if only a newer version of the platform knows the \
             type, which is possible during an upgrade.",
            |line| ResourceType::of_stream_type(&line.resource_type),
        );
        fields
            .value("resourceId", "The id of the event's resource.", |line| {
                GlobalId::of_named(&line.resource_type, line.resource_id)
            })
            .columns(&["resource_type", "resource_id"]);
        fields.optional_text(
            "resourceName",
            "The name of the resource after the event, or a job's kind.",
            |line| line.resource_name.as_deref(),
        );
        fields.text(
            "actor",
            "The actor that caused the event: the subject of a token, or a part of the platform.",
            |line| &line.actor,
        );
        fields.text(
            "summary",
            "The description of the event, in words.",
            |line| &line.summary,
        );
        fields.value("occurredAt", "The time of the event.", |line| {
            Time(line.occurred_at)
        });
        fields.value(
            "recordedAt",
            "The time at which the platform recorded the event.",
            |line| Time(line.recorded_at),
        );
        node::resource_of_event(fields, |line| {
            let stream_type = line.resource_type.parse().ok();
            stream_type.map(|stream_type| StreamId {
                stream_type,
                uuid: line.resource_id,
            })
        })
        .columns(&["resource_type", "resource_id"]);
    }
}
