//! The bounds of a cluster's size.

use serde::{Deserialize, Serialize};

use super::rejection::ClusterRejection;

/// The most droplets that a cluster may be allowed.
pub const MAX_NODES: u32 = 1_000;

/// The bounds of a cluster's size, in live droplets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLimits {
    /// The number of droplets that the cluster is meant to have at least.
    pub minimum: u32,
    /// The number of droplets that the cluster may have at most.
    pub maximum: u32,
}

impl NodeLimits {
    /// Returns an error if the bounds are invalid.
    pub(super) fn check(self) -> Result<(), ClusterRejection> {
        let Self { minimum, maximum } = self;
        if !(1..=MAX_NODES).contains(&maximum) {
            Err(ClusterRejection::InvalidMaximumNodes { maximum })
        } else if minimum > maximum {
            Err(ClusterRejection::MinimumAboveMaximum { minimum, maximum })
        } else {
            Ok(())
        }
    }
}
