//! The statuses of a cluster, and the one table of their transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::ClusterEvent;

/// The status of a cluster, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterStatus {
    /// The cluster is in service.
    Active,
    /// The cluster keeps its droplets and takes no new ones.
    Maintenance,
    /// The cluster is deleted.
    Deleted,
}

impl ClusterStatus {
    /// All statuses, in the order of a cluster's life.
    pub const ALL: [Self; 3] = [Self::Active, Self::Maintenance, Self::Deleted];

    /// Returns the name in read models and in the API, such as `ACTIVE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Maintenance => "MAINTENANCE",
            Self::Deleted => "DELETED",
        }
    }

    /// Returns the status after an event, or `None` if the event cannot come after the given status. The
    /// given status is `None` before the first event.
    #[must_use]
    pub fn after(before: Option<Self>, event: &ClusterEvent) -> Option<Self> {
        let living = before.filter(|status| *status != Self::Deleted);
        match event {
            ClusterEvent::Created(_) => before.is_none().then_some(Self::Active),
            ClusterEvent::Renamed(_)
            | ClusterEvent::Described(_)
            | ClusterEvent::NodeLimitsChanged(_) => living,
            ClusterEvent::MaintenanceStarted(_) => {
                (before == Some(Self::Active)).then_some(Self::Maintenance)
            }
            ClusterEvent::MaintenanceEnded(_) => {
                (before == Some(Self::Maintenance)).then_some(Self::Active)
            }
            ClusterEvent::Deleted(_) => living.map(|_| Self::Deleted),
        }
    }
}

impl fmt::Display for ClusterStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
