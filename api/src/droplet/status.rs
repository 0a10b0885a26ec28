//! The GraphQL enum `DropletStatus`.

use async_graphql::Enum;

use crate::graph::execute::output::enums;

/// The status of a droplet.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "domain::droplet::DropletStatus")]
pub(crate) enum DropletStatus {
    /// The machine is being created.
    Requested,
    /// The machine runs.
    Active,
    /// The machine could not be created. A final status.
    Failed,
    /// The machine is being removed.
    Deleting,
    /// The machine no longer exists. A final status; the droplet stays readable.
    Deleted,
}

enums!(DropletStatus);
