//! What may be asked of a cluster.

use super::limits::NodeLimits;
use crate::name::ClusterName;

/// A wish of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterCommand {
    /// A user wants a cluster.
    Create {
        /// Its name, which no other cluster of the organization may have.
        name: ClusterName,
        /// What it is for, bounded as [`input`](crate::input) says; possibly nothing.
        description: String,
        /// The bounds of its size.
        limits: NodeLimits,
    },
    /// A user wants it changed.
    Update(ClusterUpdate),
    /// A user wants it gone.
    Delete,
}

/// A change of a cluster that needs nothing but the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterUpdate {
    /// Another name.
    Rename {
        /// The new name, which no other cluster of the organization may have.
        name: ClusterName,
    },
    /// Another description.
    Describe {
        /// What it is for; possibly nothing.
        description: String,
    },
    /// Other bounds of its size.
    SetNodeLimits {
        /// The new bounds.
        limits: NodeLimits,
    },
    /// It takes no new droplets until its maintenance ends.
    StartMaintenance,
    /// It is to take droplets again.
    EndMaintenance,
}

impl From<ClusterUpdate> for ClusterCommand {
    fn from(update: ClusterUpdate) -> Self {
        Self::Update(update)
    }
}
