//! The fields of `Counts` about clusters.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use domain::cluster;
use projections::clusters;
use projections::counts::query::OrgCounts;

use super::status::ClusterStatus;

/// The numbers of clusters of an organization.
pub(crate) struct ClusterCounts(Arc<OrgCounts>);

impl From<Arc<OrgCounts>> for ClusterCounts {
    fn from(counts: Arc<OrgCounts>) -> Self {
        Self(counts)
    }
}

#[Object]
impl ClusterCounts {
    /// The number of clusters in each status, including deleted clusters. Each status occurs once.
    async fn clusters_by_status(&self) -> Vec<ClusterStatusCount> {
        let count = |status: cluster::ClusterStatus| ClusterStatusCount {
            status: status.into(),
            count: self.0.of(clusters::counted::BY_STATUS, status.as_str()),
        };
        cluster::ClusterStatus::ALL.into_iter().map(count).collect()
    }
}

/// The number of clusters in a status.
#[derive(SimpleObject)]
struct ClusterStatusCount {
    /// The status.
    status: ClusterStatus,
    /// The number of clusters in this status.
    count: i64,
}
