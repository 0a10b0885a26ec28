//! The inputs of mutations about clusters.

use async_graphql::{ID, InputObject};

use crate::graph::scalars::Time;

/// A cluster that is asked for.
#[derive(InputObject)]
pub(crate) struct CreateClusterInput {
    /// Its name, which no other living cluster of the organization may have: 1 to 63 lower-case letters,
    /// digits and hyphens, beginning and ending with a letter or digit.
    pub(crate) name: String,
    /// What it is for; at most 2,000 characters.
    #[graphql(default)]
    pub(crate) description: String,
    /// The fewest live droplets that it is meant to have; at most `maximumNodes`.
    #[graphql(default = 0)]
    pub(crate) minimum_nodes: i32,
    /// The most live droplets that it may have, 1 to 1,000.
    #[graphql(default = 100)]
    pub(crate) maximum_nodes: i32,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A new name for a cluster.
#[derive(InputObject)]
pub(crate) struct RenameClusterInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The new name, by the rule of `CreateClusterInput.name`.
    pub(crate) name: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A new description of a cluster.
#[derive(InputObject)]
pub(crate) struct DescribeClusterInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// What it is for; at most 2,000 characters.
    pub(crate) description: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// New bounds of a cluster's size.
#[derive(InputObject)]
pub(crate) struct SetClusterNodeLimitsInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// The fewest live droplets that it is meant to have; at most `maximumNodes`.
    pub(crate) minimum_nodes: i32,
    /// The most live droplets that it may have, 1 to 1,000.
    pub(crate) maximum_nodes: i32,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A cluster that is to take no new droplets for a while.
#[derive(InputObject)]
pub(crate) struct StartClusterMaintenanceInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A cluster that is to take droplets again.
#[derive(InputObject)]
pub(crate) struct EndClusterMaintenanceInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A cluster that is to go.
#[derive(InputObject)]
pub(crate) struct DeleteClusterInput {
    /// The cluster's id.
    pub(crate) id: ID,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}
