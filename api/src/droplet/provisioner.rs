//! The GraphQL enum `Provisioner`.

use async_graphql::Enum;

use crate::graph::execute::output::enums;

/// The party that creates and removes a droplet's machine.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::droplet::Provisioner")]
pub(crate) enum Provisioner {
    /// The platform itself, through a provider.
    Platform,
    /// An outside agent, which reports its actions.
    Agent,
}

enums!(Provisioner);
