//! Use cases: the kinds of commands, with their arguments.

use event_store::envelope::StreamId;
use serde::de::Error as _;
use serde_json::Value;

use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::streams::Streams;

/// A use case: one kind of command, with its arguments.
pub(crate) trait UseCase: Sync {
    /// Returns the name of the use case. The name is part of the request's hash, so it never changes.
    fn name(&self) -> &'static str;

    /// Returns the stream of the aggregate that the command names.
    fn subject(&self) -> StreamId;

    /// Returns the arguments of the client, without ids that were made for this request. The arguments are
    /// part of the request's hash, so their form never changes.
    fn arguments(&self) -> Value;

    /// Returns the ids that were made for this request: with the arguments, all that a decision takes from outside.
    fn ids(&self) -> Value {
        Value::Null
    }

    /// Decides on the command. May be called several times, on newer states.
    fn decide(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> impl Future<Output = Result<Decision, CommandError>> + Send;
}

/// A use case that can be read from its record.
pub(crate) trait Recorded: UseCase + Sized {
    /// The names of the use case.
    const NAMES: &'static [&'static str];

    /// Returns the use case of a record with one of the names.
    ///
    /// # Errors
    /// When the input or the ids are not those of the use case.
    fn of_record(name: &str, input: Value, ids: Value) -> serde_json::Result<Self>;
}

/// Returns the error for a name that is none of a use case's.
pub(crate) fn unknown(name: &str) -> serde_json::Error {
    serde_json::Error::custom(format!("there is no command {name}"))
}
