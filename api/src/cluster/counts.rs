//! The fields of `Counts` about clusters.

use domain::cluster::ClusterStatus;
use projections::clusters;
use projections::counts::query::OrgCounts;

use super::ClusterRow;
use crate::graph::execute::object::Fields;
use crate::graph::status_count::StatusCount;

/// Declares the fields of `Counts` about clusters.
pub(super) fn counts(fields: &mut Fields<'_, OrgCounts>) {
    fields.value(
        "clustersByStatus",
        "The number of clusters in each status, including deleted clusters. Each status occurs \
         once.",
        |counts| {
            let count =
                |status: ClusterStatus| counts.of(clusters::counted::BY_STATUS, status.as_str());
            StatusCount::<ClusterRow, super::status::ClusterStatus>::each(ClusterStatus::ALL, count)
        },
    );
}
