//! The GraphQL enum `Runner`.

use async_graphql::Enum;

use crate::graph::execute::output::enums;

/// The party that runs a job.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::job::Runner")]
pub(crate) enum Runner {
    /// The platform itself.
    Platform,
    /// An outside agent, which reports its actions.
    Agent,
}

enums!(Runner);
