//! The number of live droplets that a cluster may have when a command is carried out.

use super::{Cluster, ClusterCommand, ClusterRejection, ClusterUpdate, LivingStatus};

/// The most live droplets that a cluster may have, and the rejection of a command that finds more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// The maximum, including the droplets that the command itself adds.
    pub maximum: u32,
    /// The rejection of a command that would exceed the maximum.
    pub rejection: ClusterRejection,
}

impl Cluster {
    /// Returns the capacity within which a droplet may join the cluster.
    ///
    /// # Errors
    /// When no droplet may join, however few there are.
    pub fn takes_droplets(&self) -> Result<Capacity, ClusterRejection> {
        let (spec, status) = self.living()?;
        match status {
            LivingStatus::Active => {
                let maximum = spec.limits.maximum;
                let rejection = ClusterRejection::ClusterFull { maximum };
                Ok(Capacity { maximum, rejection })
            }
            LivingStatus::Maintenance => Err(ClusterRejection::ClusterInMaintenance),
        }
    }
}

impl ClusterCommand {
    /// Returns the capacity that the command requires of the cluster. `None` if it requires none.
    #[must_use]
    pub fn required_capacity(&self) -> Option<Capacity> {
        match self {
            Self::Update(ClusterUpdate::SetNodeLimits { limits }) => {
                let maximum = limits.maximum;
                let rejection = ClusterRejection::ClusterTooLarge { maximum };
                Some(Capacity { maximum, rejection })
            }
            Self::Delete => Some(Capacity {
                maximum: 0,
                rejection: ClusterRejection::ClusterNotEmpty,
            }),
            Self::Create { .. }
            | Self::Update(
                ClusterUpdate::Rename { .. }
                | ClusterUpdate::Describe { .. }
                | ClusterUpdate::StartMaintenance
                | ClusterUpdate::EndMaintenance,
            ) => None,
        }
    }
}
