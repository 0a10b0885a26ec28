//! Declares the dimensions of clusters, and the pure fold of their events for counting.

use domain::cluster::ClusterStatus;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::envelope::Recorded;
use serde::{Deserialize, Serialize};

use crate::fold::UnexpectedEvent;
use crate::model::{Counted, Dimension};

/// Clusters by status, deleted ones too.
pub const BY_STATUS: Dimension = Dimension("cluster_status");

/// The facts of a cluster that its counters depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CountedCluster {
    status: ClusterStatus,
}

impl Counted for CountedCluster {
    fn fold(before: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        let Event::Cluster(happened) = &event.event else {
            return Err(UnexpectedEvent::foreign(event, StreamType::CLUSTER));
        };
        let from = before.map(|counted| counted.status);
        let misplaced = || UnexpectedEvent::misplaced(event, from.map(ClusterStatus::as_str));
        let status = ClusterStatus::after(from, happened).ok_or_else(misplaced)?;
        Ok(Self { status })
    }

    fn counters(&self) -> Vec<(Dimension, &str)> {
        vec![(BY_STATUS, self.status.as_str())]
    }
}

#[cfg(test)]
mod tests {
    use domain::cluster::ClusterEvent;
    use domain::event::DomainEvent;

    use super::*;
    use crate::testing::counters_after;

    #[test]
    fn a_cluster_counts_by_status() {
        assert_eq!(
            counters_after::<CountedCluster>(ClusterEvent::samples().into_iter().take(1)),
            [("cluster_status", "ACTIVE".to_owned())]
        );
    }
}
