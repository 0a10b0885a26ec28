//! What a cluster is doing, and what may come next: the one table of its transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::ClusterEvent;

/// What a cluster is doing, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterStatus {
    /// It is in service.
    Active,
    /// It keeps its droplets and is to take no new ones.
    Maintenance,
    /// It is gone.
    Deleted,
}

impl ClusterStatus {
    /// All of them, in the order of a cluster's life.
    pub const ALL: [Self; 3] = [Self::Active, Self::Maintenance, Self::Deleted];

    /// The name in read models and in the API, such as `ACTIVE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Maintenance => "MAINTENANCE",
            Self::Deleted => "DELETED",
        }
    }

    /// The status after an event, or `None` when the event cannot come after that status (`None`
    /// before the first event).
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
