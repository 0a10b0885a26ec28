//! The fields of `Counts` about clusters.

use domain::cluster;
use projections::clusters;
use projections::counts::query::OrgCounts;

use super::status::ClusterStatus;
use crate::graph::execute::object::{Fields, Object};

/// Declares the fields of `Counts` about clusters.
pub(super) fn counts(fields: &mut Fields<'_, OrgCounts>) {
    fields.value(
        "clustersByStatus",
        "The number of clusters in each status, including deleted clusters. Each status occurs \
         once.",
        |counts| {
            let count = |status: cluster::ClusterStatus| ClusterStatusCount {
                status: status.into(),
                count: counts.of(clusters::counted::BY_STATUS, status.as_str()),
            };
            cluster::ClusterStatus::ALL
                .into_iter()
                .map(count)
                .collect::<Vec<_>>()
        },
    );
}

/// The number of clusters in a status.
struct ClusterStatusCount {
    /// The status.
    status: ClusterStatus,
    /// The number of clusters in this status.
    count: i64,
}

impl Object for ClusterStatusCount {
    const NAME: &'static str = "ClusterStatusCount";
    const DESCRIPTION: &'static str = "The number of clusters in a status.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("status", "The status.", |count| count.status);
        fields.value("count", "The number of clusters in this status.", |count| {
            count.count
        });
    }
}
