//! The GraphQL enum `CommandOutcome`.

use async_graphql::Enum;

use crate::graph::execute::output::enums;

/// The outcome of a command.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "projections::recorded_commands::CommandOutcome")]
pub(crate) enum CommandOutcome {
    /// The command has events.
    Accepted,
    /// There was nothing to do.
    Unchanged,
    /// A rule forbids the command.
    Rejected,
    /// Others kept changing what the command read.
    Conflict,
    /// The sender's role does not allow the command.
    Denied,
}

enums!(CommandOutcome);

impl CommandOutcome {
    /// Returns the outcome by its stored name; `None` for one that only a newer program knows.
    pub(crate) fn stored_as(name: &str) -> Option<Self> {
        let mut outcomes = projections::recorded_commands::CommandOutcome::ALL.into_iter();
        let outcome = outcomes.find(|outcome| outcome.as_str() == name);
        outcome.map(Self::from)
    }
}
