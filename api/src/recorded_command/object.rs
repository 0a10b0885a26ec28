//! The GraphQL type `Command`.

use projections::history::Metadata;
use projections::recorded_commands::RecordedCommand;

use super::outcome::CommandOutcome;
use crate::graph::connection::Paged;
use crate::graph::error::{self, Result};
use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::GlobalId;
use crate::graph::request_source::RequestSource;
use crate::graph::resource_type::ResourceType;
use crate::graph::scalars::{Json, Time, UuidId};
use crate::graph::{node, points};

/// The most bytes of a basis: the versions of 64 resources, ids, and a key.
const BASIS_BYTES: usize = 8 * 1024;
/// The most bytes of the counts of a command.
const COUNTS_BYTES: usize = 2 * 1024;

impl Paged for RecordedCommand {
    type Extra = ();

    const ITEMS: &'static str = "commands";
}

impl Object for RecordedCommand {
    const NAME: &'static str = "Command";
    const DESCRIPTION: &'static str = "A command as it was recorded, with all that its decision rested on. A record never changes.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "commandId",
            "The id of the command, which its events have too: a UUID. A part of the platform repeats a command \
             under its id.",
            |command| UuidId(command.command_id),
        );
        fields.text(
            "name",
            "The name of the command, such as `rename_droplet`.",
            |command| &command.name,
        );
        fields.value(
            "outcome",
            "The outcome. Null if only a newer version of the platform knows it.",
            |command| CommandOutcome::stored_as(&command.outcome),
        );
        fields.optional_text(
            "rule",
            "The code of the rule that rejected the command, or the right that its sender lacks.",
            |command| command.rule.as_deref(),
        );
        fields.value(
            "times",
            "The number of equal commands that the record stands for. It is above 1 for a flood of one actor, whose \
             commands are counted instead of recorded.",
            |command| command.times,
        );
        fields.value(
            "resourceType",
            "The type of the resource that the command names. Null if the command was denied or counted.",
            |command| command.stream().and_then(|stream| ResourceType::of_stream(stream.stream_type)),
        );
        fields.value(
            "resourceId",
            "The id of the resource that the command names. Null if the command was denied or counted.",
            |command| {
                let stream = command.stream();
                stream.map(|stream| GlobalId::of_stream(stream.stream_type, stream.uuid))
            },
        );
        fields.text(
            "actor",
            "The sender of the command: the subject of a token, or a part of the platform.",
            |command| &command.actor,
        );
        fields.optional_text(
            "credential",
            "The id of the token that the command came with, its claim `jti`.",
            |command| command.credential.as_deref(),
        );
        fields.value(
            "recordedAt",
            "The time at which the command was decided and recorded.",
            |command| Time(command.recorded_at),
        );
        fields.text(
            "program",
            "The version of the platform that decided.",
            |command| &command.program,
        );
        fields
            .value(
                "input",
                "The arguments of the command. Null if the record stands for a flood.",
                |command| (command.input != "null").then(|| Json(command.input.clone())),
            )
            .up_to(2 * points::JSON_BYTES);
        fields.value(
            "basis",
            "What the decision rested on: the ids that were made for it (`ids`); the resources that it read, as code \
             of the type, id and version (`read`); the idempotency key; and the name or the count that it was \
             rejected for (`met`).",
            |command| Json(command.basis.clone()),
        ).up_to(BASIS_BYTES);
        fields
            .value(
                "counts",
                "The counts that an accepted command was held against, as scope, key and count.",
                |command| command.counts.clone().map(Json),
            )
            .up_to(COUNTS_BYTES);
        of_metadata(fields);
        node::resource_of_event(fields, RecordedCommand::stream);
    }
}

/// Declares the fields that the events of the command have too.
fn of_metadata(fields: &mut Fields<'_, RecordedCommand>) {
    fields.value(
        "source",
        "The origin of the request. Null if only a newer version of the platform knows the origin.",
        |command| metadata(command).map(|metadata| RequestSource::of(metadata.source)),
    );
    fields.value(
        "correlationId",
        "The id that all effects of one outside request share: a UUID.",
        |command| metadata(command).map(|metadata| UuidId(metadata.correlation_id.into())),
    );
    fields.value(
        "causationId",
        "The id of the event to which a part of the platform reacted, if this command is such a reaction.",
        |command| {
            let causation = metadata(command).map(|metadata| metadata.causation_id);
            causation.map(|id| id.map(|id| UuidId(id.into())))
        },
    );
    fields.value(
        "occurredAt",
        "The business time of the command.",
        |command| metadata(command).map(|metadata| Time(metadata.occurred_at)),
    );
}

fn metadata(command: &RecordedCommand) -> Result<Metadata> {
    serde_json::from_str(&command.metadata).map_err(|error| error::internal(&error))
}
