//! The GraphQL enum `ClusterStatus`.

use async_graphql::Enum;

use crate::graph::execute::output::enums;

/// The status of a cluster.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "domain::cluster::ClusterStatus")]
pub(crate) enum ClusterStatus {
    /// The cluster is in service.
    Active,
    /// The cluster keeps its droplets and accepts no new ones.
    Maintenance,
    /// The cluster was deleted. A final status.
    Deleted,
}

enums!(ClusterStatus);
