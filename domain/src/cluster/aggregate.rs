//! The storage, labels and sentences of clusters.

use super::{Cluster, ClusterEvent};
use crate::aggregate::Aggregate;
use crate::counter::{Counter, CounterScope};
use crate::ids::ClusterId;
use crate::unique_name::{NameScope, Reach, UniqueName};

/// The names of living clusters.
static CLUSTER_NAMES: NameScope = NameScope {
    name: "cluster_name",
    reach: Reach::Organization,
    code: "NAME_TAKEN",
    field: "name",
    holder: "cluster",
};

/// Counts the live droplets of each cluster; the key is the cluster's id.
static LIVE_DROPLETS: CounterScope = CounterScope {
    name: "live_droplets_of_cluster",
    reach: Reach::Organization,
};

/// Returns the counter of a cluster's live droplets: those that are requested, active or deleting.
#[must_use]
pub fn live_droplets(cluster: ClusterId) -> Counter {
    Counter {
        scope: &LIVE_DROPLETS,
        key: cluster.to_string(),
    }
}

impl Aggregate for Cluster {
    type Id = ClusterId;

    fn names(&self) -> Vec<UniqueName> {
        let name = self.spec().map(|spec| UniqueName {
            scope: &CLUSTER_NAMES,
            key: spec.name.as_str().to_owned(),
        });
        name.into_iter().collect()
    }

    fn label(event: &ClusterEvent) -> Option<&str> {
        match event {
            ClusterEvent::Created(created) => Some(created.name.as_str()),
            ClusterEvent::Renamed(renamed) => Some(renamed.name.as_str()),
            ClusterEvent::Described(_)
            | ClusterEvent::NodeLimitsChanged(_)
            | ClusterEvent::MaintenanceStarted(_)
            | ClusterEvent::MaintenanceEnded(_)
            | ClusterEvent::Deleted(_) => None,
        }
    }

    fn narrate(event: &ClusterEvent, id: ClusterId, label: Option<&str>) -> String {
        let who = match label {
            Some(name) => format!("The cluster {name}"),
            None => format!("Cluster {id}"),
        };
        match event {
            ClusterEvent::Created(_) => format!("{who} was created"),
            ClusterEvent::Renamed(renamed) => {
                format!(
                    "The cluster {} was renamed to {}",
                    renamed.from, renamed.name
                )
            }
            ClusterEvent::Described(_) => format!("{who} has another description"),
            ClusterEvent::NodeLimitsChanged(changed) => {
                let limits = changed.limits;
                format!(
                    "{who} is to have {} to {} droplets",
                    limits.minimum, limits.maximum
                )
            }
            ClusterEvent::MaintenanceStarted(_) => format!("{who} is in maintenance"),
            ClusterEvent::MaintenanceEnded(_) => format!("{who} is in service again"),
            ClusterEvent::Deleted(_) => format!("{who} was deleted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::DomainEvent;

    #[test]
    fn every_event_has_its_sentence() {
        let sentences: Vec<_> = ClusterEvent::samples()
            .iter()
            .map(|event| Cluster::narrate(event, Uuid::nil().into(), Some("green")))
            .collect();
        assert_eq!(
            sentences,
            [
                "The cluster green was created",
                "The cluster blue was renamed to green",
                "The cluster green has another description",
                "The cluster green is to have 0 to 4 droplets",
                "The cluster green is in maintenance",
                "The cluster green is in service again",
                "The cluster green was deleted",
            ]
        );
    }
}
