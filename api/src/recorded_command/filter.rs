//! The GraphQL input `CommandFilter`.

use async_graphql::{ID, InputObject};
use projections::recorded_commands;

use super::outcome::CommandOutcome;
use crate::graph::error::Error;
use crate::graph::filter::read_resource;
use crate::graph::scalars::Time;

/// The filter of commands: those that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct CommandFilter {
    /// The names of commands to include, such as `rename_droplet`; none if empty.
    names: Option<Vec<String>>,
    /// The outcomes to include; none if empty.
    outcomes: Option<Vec<CommandOutcome>>,
    /// The id of the resource that the commands name.
    resource: Option<ID>,
    /// The actor that sent the commands.
    actor: Option<String>,
    /// The start of the period, inclusive: the commands were recorded at this time or later.
    from: Option<Time>,
    /// The end of the period, exclusive: the commands were recorded before this time.
    until: Option<Time>,
}

impl TryFrom<CommandFilter> for recorded_commands::CommandFilter {
    type Error = Error;

    fn try_from(filter: CommandFilter) -> Result<Self, Error> {
        let resource = read_resource(filter.resource.as_ref())?;
        let outcomes = filter.outcomes;
        Ok(Self {
            names: filter.names,
            outcomes: outcomes.map(|all| all.into_iter().map(Into::into).collect()),
            stream: resource.map(Into::into),
            actor: filter.actor,
            from: filter.from.map(|Time(time)| time),
            until: filter.until.map(|Time(time)| time),
        })
    }
}
