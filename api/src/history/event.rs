//! The GraphQL type `Event`.
//!
//! Every role that may follow a resource gets its events with their type, actor and time, which `activity` shows
//! too. Stored data and the ids of requests belong to the history, which fewer roles may read.

use projections::history::{Metadata, Positioned, StoredEvent};

use crate::graph::connection::Paged;
use crate::graph::error::{self, Result};
use crate::graph::event_type::EventType;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::GlobalId;
use crate::graph::request_source::RequestSource;
use crate::graph::resource_type::ResourceType;
use crate::graph::scalars::{BigInt, Json, Time, UuidId};
use crate::graph::{node, points};
use crate::identity::roles::Right;

/// A recorded event.
pub(crate) type Event = Positioned<StoredEvent>;

impl Paged for Event {
    type Extra = ();

    const ITEMS: &'static str = "events";
}

impl Object for Event {
    const NAME: &'static str = "Event";
    const DESCRIPTION: &'static str = "An event of a resource. An event never changes.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("id", "The id of the event: a UUID.", |event| {
            UuidId(event.event.event_id.into())
        });
        fields.value(
            "position",
            "The position of the event in the history of the whole platform, from 1, without gaps \
             over all organizations.",
            |event| BigInt(event.position.0),
        );
        fields.log_cursor(
            "cursor",
            "The cursor of the event, for the argument `after` of subscriptions and of `events`.",
            |event| event.position,
        );
        fields.value(
            "type",
            "The type of the event. Null if only a newer version of the platform knows the type, which is \
             possible during an upgrade.",
            |event| EventType::stored_as(&event.event.event_type),
        );
        fields.text(
            "typeName",
            "The stored name of the event's type, such as `droplet_activated`.",
            |event| &event.event.event_type,
        );
        fields.value(
            "schemaVersion",
            "The version of the schema of the event's data.",
            |event| event.event.schema_version,
        );
        fields.value(
            "resourceType",
            "The type of the event's resource. Null if only a newer version of the platform knows the \
             type, which is possible during an upgrade.",
            |event| ResourceType::of_stream(event.event.stream.stream_type),
        );
        fields.value("resourceId", "The id of the event's resource.", |event| {
            let stream = event.event.stream;
            GlobalId::of_stream(stream.stream_type, stream.uuid)
        });
        fields.value(
            "version",
            "The number of the event among the events of its resource, from 1.",
            |event| BigInt(event.event.version.0),
        );
        fields
            .value(
                "data",
                "The data of the event, in the schema in which the event was stored. Not every role may read it.",
                |event| Json(event.event.data.clone()),
            )
            .up_to(points::EVENT_BYTES)
            .needs(Right::History);
        fields.value(
            "actor",
            "The actor that caused the event: the subject of a token, or a part of the platform.",
            |event| metadata(event).map(|metadata| metadata.actor),
        );
        fields.value(
            "source",
            "The origin of the request. Null if only a newer version of the platform knows the origin.",
            |event| metadata(event).map(|metadata| RequestSource::of(metadata.source)),
        ).needs(Right::History);
        fields.value(
            "commandId",
            "The id of the command that caused the event and all other events of the command: a UUID.",
            |event| metadata(event).map(|metadata| UuidId(metadata.command_id.into())),
        ).needs(Right::History);
        fields
            .value(
                "correlationId",
                "The id that all effects of one outside request share: a UUID.",
                |event| metadata(event).map(|metadata| UuidId(metadata.correlation_id.into())),
            )
            .needs(Right::History);
        fields.value(
            "causationId",
            "The id of the event to which a part of the platform reacted, if this event is such a \
             reaction.",
            |event| {
                let causation = metadata(event).map(|metadata| metadata.causation_id);
                causation.map(|id| id.map(|id| UuidId(id.into())))
            },
        ).needs(Right::History);
        fields.value("occurredAt", "The time of the event.", |event| {
            metadata(event).map(|metadata| Time(metadata.occurred_at))
        });
        fields.value(
            "recordedAt",
            "The time at which the platform recorded the event.",
            |event| Time(event.event.recorded_at),
        );
        node::resource_of_event(fields, |event| Some(event.event.stream));
    }
}

fn metadata(event: &Event) -> Result<Metadata> {
    serde_json::from_str(&event.event.metadata).map_err(|error| error::internal(&error))
}
