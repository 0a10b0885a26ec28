//! The rejections of a cluster.

use thiserror::Error;

use super::limits::MAX_NODES;
use crate::decider::Rejection;
use crate::input::InvalidInput;

/// The rule of clusters that a command would break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClusterRejection {
    /// A cluster with this id was already created.
    #[error("this cluster was already created: use another id for another cluster")]
    ClusterAlreadyExists,
    /// The cluster is deleted.
    #[error("the cluster is deleted: create another one")]
    ClusterDeleted,
    /// The cluster has as many live droplets as it may have.
    #[error(
        "the cluster has its maximum of {maximum} live droplets: raise the maximum, or delete a droplet \
         and wait until its machine is removed"
    )]
    ClusterFull {
        /// The maximum of the cluster.
        maximum: u32,
    },
    /// The cluster takes no droplets while it is in maintenance.
    #[error("the cluster is in maintenance and takes no droplets: end its maintenance first")]
    ClusterInMaintenance,
    /// The cluster still has live droplets.
    #[error(
        "the cluster still has live droplets: delete them, and wait until their machines are removed"
    )]
    ClusterNotEmpty,
    /// No cluster has this id.
    #[error("there is no such cluster: check its id")]
    ClusterNotFound,
    /// The cluster has more live droplets than the new maximum.
    #[error(
        "the cluster has more live droplets than the maximum of {maximum}: choose a larger maximum, or delete some and \
         wait until their machines are removed"
    )]
    ClusterTooLarge {
        /// The requested maximum.
        maximum: u32,
    },
    /// A text is beyond its limits.
    #[error(transparent)]
    InvalidInput(#[from] InvalidInput),
    /// The requested maximum is not one that a cluster can have.
    #[error("a cluster cannot have at most {maximum} droplets: allow 1 to {MAX_NODES}")]
    InvalidMaximumNodes {
        /// The requested maximum.
        maximum: u32,
    },
    /// The minimum is above the maximum.
    #[error(
        "the minimum of {minimum} droplets is above the maximum of {maximum}: lower the one or raise \
         the other"
    )]
    MinimumAboveMaximum {
        /// The requested minimum.
        minimum: u32,
        /// The requested maximum.
        maximum: u32,
    },
}

impl Rejection for ClusterRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::ClusterAlreadyExists => "CLUSTER_ALREADY_EXISTS",
            Self::ClusterDeleted => "CLUSTER_DELETED",
            Self::ClusterFull { .. } => "CLUSTER_FULL",
            Self::ClusterInMaintenance => "CLUSTER_IN_MAINTENANCE",
            Self::ClusterNotEmpty => "CLUSTER_NOT_EMPTY",
            Self::ClusterNotFound => "CLUSTER_NOT_FOUND",
            Self::ClusterTooLarge { .. } => "CLUSTER_TOO_LARGE",
            Self::InvalidInput(input) => input.code(),
            Self::InvalidMaximumNodes { .. } => "INVALID_MAXIMUM_NODES",
            Self::MinimumAboveMaximum { .. } => "MINIMUM_ABOVE_MAXIMUM",
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::ClusterNotFound => Some("id"),
            Self::InvalidInput(input) => Some(input.field()),
            Self::InvalidMaximumNodes { .. } | Self::ClusterTooLarge { .. } => Some("maximumNodes"),
            Self::MinimumAboveMaximum { .. } => Some("minimumNodes"),
            Self::ClusterAlreadyExists
            | Self::ClusterDeleted
            | Self::ClusterFull { .. }
            | Self::ClusterInMaintenance
            | Self::ClusterNotEmpty => None,
        }
    }
}
