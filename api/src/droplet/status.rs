//! `DropletStatus`.

use async_graphql::Enum;

/// What a droplet is doing.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "domain::droplet::DropletStatus")]
pub(crate) enum DropletStatus {
    /// Its machine is being made.
    Requested,
    /// Its machine runs.
    Active,
    /// Its machine could not be made. An end.
    Failed,
    /// Its machine is being removed.
    Deleting,
    /// Its machine is gone. An end; the droplet stays readable.
    Deleted,
}
