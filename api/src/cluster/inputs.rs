//! The inputs of mutations about clusters.

use async_graphql::{ID, InputObject};

use crate::graph::scalars::Time;

/// The cluster to create.
#[derive(InputObject)]
pub(crate) struct CreateClusterInput {
    /// The name of the cluster, which no other living cluster of the organization may have. The name has 1
    /// to 63 lower-case letters, digits and hyphens, and begins and ends with a letter or digit.
    pub(crate) name: String,
    /// The purpose of the cluster; at most 2,000 characters.
    #[graphql(default)]
    pub(crate) description: String,
    /// The minimum number of live droplets that the cluster is meant to have; at most `maximumNodes`.
    #[graphql(default = 0)]
    pub(crate) minimum_nodes: i32,
    /// The maximum number of live droplets that the cluster may have, 1 to 1,000.
    #[graphql(default = 100)]
    pub(crate) maximum_nodes: i32,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A new name for a cluster.
#[derive(InputObject)]
pub(crate) struct RenameClusterInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The new name, by the rule of `CreateClusterInput.name`.
    pub(crate) name: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A new description of a cluster.
#[derive(InputObject)]
pub(crate) struct DescribeClusterInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The purpose of the cluster; at most 2,000 characters.
    pub(crate) description: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// New bounds of a cluster's size.
#[derive(InputObject)]
pub(crate) struct SetClusterNodeLimitsInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The minimum number of live droplets that the cluster is meant to have; at most `maximumNodes`.
    pub(crate) minimum_nodes: i32,
    /// The maximum number of live droplets that the cluster may have, 1 to 1,000.
    pub(crate) maximum_nodes: i32,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A cluster that starts maintenance and accepts no new droplets meanwhile.
#[derive(InputObject)]
pub(crate) struct StartClusterMaintenanceInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A cluster that ends maintenance and accepts new droplets again.
#[derive(InputObject)]
pub(crate) struct EndClusterMaintenanceInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// The cluster to delete.
#[derive(InputObject)]
pub(crate) struct DeleteClusterInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}
