//! The commands of a cluster.

use super::limits::NodeLimits;
use crate::name::ClusterName;

/// A request of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterCommand {
    /// Creates a cluster.
    Create {
        /// The name of the cluster, which no other cluster of the organization may have.
        name: ClusterName,
        /// The purpose of the cluster, bounded by the limits of [`input`](crate::input); possibly empty.
        description: String,
        /// The bounds of the cluster's size.
        limits: NodeLimits,
    },
    /// Changes the cluster.
    Update(ClusterUpdate),
    /// Deletes the cluster.
    Delete,
}

/// A change of a cluster that needs nothing but the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterUpdate {
    /// Gives the cluster another name.
    Rename {
        /// The new name, which no other cluster of the organization may have.
        name: ClusterName,
    },
    /// Gives the cluster another description.
    Describe {
        /// The purpose of the cluster; possibly empty.
        description: String,
    },
    /// Gives the cluster other bounds of its size.
    SetNodeLimits {
        /// The new bounds.
        limits: NodeLimits,
    },
    /// Starts the maintenance: the cluster takes no new droplets until its maintenance ends.
    StartMaintenance,
    /// Ends the maintenance: the cluster takes droplets again.
    EndMaintenance,
}

impl From<ClusterUpdate> for ClusterCommand {
    fn from(update: ClusterUpdate) -> Self {
        Self::Update(update)
    }
}
