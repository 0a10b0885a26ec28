//! `ClusterStatus`.

use async_graphql::Enum;

/// What a cluster is doing.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "domain::cluster::ClusterStatus")]
pub(crate) enum ClusterStatus {
    /// Is in service.
    Active,
    /// Keeps its droplets and takes no new ones.
    Maintenance,
    /// Is gone. The end.
    Deleted,
}
