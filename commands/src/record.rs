//! Records of commands: what a decision rested on, so that it can be made again from the history alone.

use std::borrow::Cow;

use domain::counter::Counter;
use domain::unique_name::UniqueName;
use event_store::envelope::{StreamId, Version};
use event_store::write::command::{CommandOutcome, CommandRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::context::Context;
use crate::error::CommandError;
use crate::use_case::UseCase;

/// The facts that a decision rested on, besides the arguments. The form is stored, so fields are only added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// The ids that were made for the command.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) ids: Value,
    /// The streams that were read: code of the type, id, version.
    #[serde(default)]
    pub(crate) read: Vec<(i16, Uuid, i64)>,
    /// The idempotency key, as it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency_key: Option<String>,
    /// The name or count that the command was rejected for, if no rule of a state was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) met: Option<Met>,
}

/// The name or count that a command was rejected for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Met {
    /// Another stream held the name: its scope and key.
    Name(Cow<'static, str>, String),
    /// The stored count of a counter: its scope and key, and the count.
    Count(Cow<'static, str>, String, i64),
}

impl Met {
    pub(crate) fn name(name: &UniqueName) -> Self {
        Self::Name(name.scope.name.into(), name.key.clone())
    }

    pub(crate) fn count(counter: &Counter, count: i64) -> Self {
        Self::Count(counter.scope.name.into(), counter.key.clone(), count)
    }
}

/// The parts of a record that all attempts of a command share.
pub(crate) struct Recorder<'a> {
    context: &'a Context,
    name: &'static str,
    subject: StreamId,
    ids: Value,
    input: String,
    idempotency_key: Option<String>,
}

impl<'a> Recorder<'a> {
    /// Returns the recorder of a command with these arguments.
    pub(crate) fn new(
        context: &'a Context,
        use_case: &impl UseCase,
        arguments: &Value,
        idempotency_key: Option<&str>,
    ) -> Self {
        Self {
            context,
            name: use_case.name(),
            subject: use_case.subject(),
            ids: use_case.ids(),
            input: arguments.to_string(),
            idempotency_key: idempotency_key.map(str::to_owned),
        }
    }

    /// Returns the record of a command that has events, if its append succeeds.
    pub(crate) fn accepted(&self, read: &[(StreamId, Version)]) -> CommandRecord {
        self.record(CommandOutcome::Accepted, None, read, None)
    }

    /// Returns the record of a command that has no events.
    pub(crate) fn without_events(
        &self,
        error: Option<&CommandError>,
        read: &[(StreamId, Version)],
        met: Option<Met>,
    ) -> CommandRecord {
        let (outcome, rule) = match error {
            None => (CommandOutcome::Unchanged, None),
            Some(CommandError::Rejected(rejected)) => {
                (CommandOutcome::Rejected, Some(rejected.code.clone()))
            }
            Some(CommandError::KeyReused) => (
                CommandOutcome::Rejected,
                Some(Cow::Borrowed("IDEMPOTENCY_KEY_REUSED")),
            ),
            Some(
                CommandError::Conflict
                | CommandError::OtherIncarnation
                | CommandError::Unavailable(_),
            ) => (CommandOutcome::Conflict, None),
        };
        self.record(outcome, rule, read, met)
    }

    fn record(
        &self,
        outcome: CommandOutcome,
        rule: Option<Cow<'static, str>>,
        read: &[(StreamId, Version)],
        met: Option<Met>,
    ) -> CommandRecord {
        let place = |(stream, version): &(StreamId, Version)| {
            (stream.stream_type.code(), stream.uuid, version.0)
        };
        let basis = Basis {
            ids: self.ids.clone(),
            read: read.iter().map(place).collect(),
            idempotency_key: self.idempotency_key.clone(),
            met,
        };
        CommandRecord {
            name: self.name.into(),
            stream: Some(self.subject),
            credential: self.context.credential.clone(),
            outcome,
            rule,
            times: 1,
            input: self.input.clone(),
            basis: serde_json::to_string(&basis).expect("a basis is made of texts and numbers"),
        }
    }
}
