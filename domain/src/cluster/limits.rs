//! The bounds of a cluster's size.

use serde::{Deserialize, Serialize};

use super::rejection::ClusterRejection;

/// The most droplets that a cluster may be allowed.
pub const MAX_NODES: u32 = 1_000;

/// The bounds of a cluster's size, in live droplets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLimits {
    /// The fewest that it is meant to have.
    pub minimum: u32,
    /// The most that it may have.
    pub maximum: u32,
}

impl NodeLimits {
    /// Says what is wrong with them.
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
