//! The fields of `Counts` about droplets.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use domain::droplet;
use projections::counts::query::OrgCounts;
use projections::droplets;

use super::status::DropletStatus;

/// The numbers of droplets of an organization.
pub(crate) struct DropletCounts(Arc<OrgCounts>);

impl From<Arc<OrgCounts>> for DropletCounts {
    fn from(counts: Arc<OrgCounts>) -> Self {
        Self(counts)
    }
}

#[Object]
impl DropletCounts {
    /// The number of droplets in each status, including deleted droplets. Each status occurs once.
    async fn droplets_by_status(&self) -> Vec<DropletStatusCount> {
        let count = |status: droplet::DropletStatus| DropletStatusCount {
            status: status.into(),
            count: self.0.of(droplets::counted::BY_STATUS, status.as_str()),
        };
        droplet::DropletStatus::ALL.into_iter().map(count).collect()
    }

    /// The number of living droplets (requested, active, deleting) of each size. Sizes without any are
    /// omitted.
    async fn droplets_by_size(&self) -> Vec<SizeCount> {
        let counts = self.0.by(droplets::counted::BY_SIZE);
        let counts = counts.map(|(size, count)| SizeCount {
            size: size.to_owned(),
            count,
        });
        counts.collect()
    }

    /// The number of living droplets (requested, active, deleting) in each region. Regions without any are
    /// omitted.
    async fn droplets_by_region(&self) -> Vec<RegionCount> {
        let counts = self.0.by(droplets::counted::BY_REGION);
        let counts = counts.map(|(region, count)| RegionCount {
            region: region.to_owned(),
            count,
        });
        counts.collect()
    }
}

/// The number of droplets in a status.
#[derive(SimpleObject)]
struct DropletStatusCount {
    /// The status.
    status: DropletStatus,
    /// The number of droplets in this status.
    count: i64,
}

/// The number of living droplets of a size.
#[derive(SimpleObject)]
struct SizeCount {
    /// The slug of the size.
    size: String,
    /// The number of living droplets of this size.
    count: i64,
}

/// The number of living droplets in a region.
#[derive(SimpleObject)]
struct RegionCount {
    /// The slug of the region.
    region: String,
    /// The number of living droplets in this region.
    count: i64,
}
