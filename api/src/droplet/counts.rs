//! The fields of `Counts` about droplets.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use domain::droplet;
use projections::counts::query::OrgCounts;
use projections::droplets;

use super::status::DropletStatus;

/// How many droplets an organization has.
pub(crate) struct DropletCounts(Arc<OrgCounts>);

impl From<Arc<OrgCounts>> for DropletCounts {
    fn from(counts: Arc<OrgCounts>) -> Self {
        Self(counts)
    }
}

#[Object]
impl DropletCounts {
    /// Droplets by status, each status once, deleted droplets too.
    async fn droplets_by_status(&self) -> Vec<DropletStatusCount> {
        let count = |status: droplet::DropletStatus| DropletStatusCount {
            status: status.into(),
            count: self.0.of(droplets::counted::BY_STATUS, status.as_str()),
        };
        droplet::DropletStatus::ALL.into_iter().map(count).collect()
    }

    /// Living droplets (requested, active, deleting) by size; sizes without any are left out.
    async fn droplets_by_size(&self) -> Vec<SizeCount> {
        let counts = self.0.by(droplets::counted::BY_SIZE);
        let counts = counts.map(|(size, count)| SizeCount {
            size: size.to_owned(),
            count,
        });
        counts.collect()
    }

    /// Living droplets (requested, active, deleting) by region; regions without any are left out.
    async fn droplets_by_region(&self) -> Vec<RegionCount> {
        let counts = self.0.by(droplets::counted::BY_REGION);
        let counts = counts.map(|(region, count)| RegionCount {
            region: region.to_owned(),
            count,
        });
        counts.collect()
    }
}

/// How many droplets have a status.
#[derive(SimpleObject)]
struct DropletStatusCount {
    /// The status.
    status: DropletStatus,
    /// How many have it.
    count: i64,
}

/// How many living droplets have a size.
#[derive(SimpleObject)]
struct SizeCount {
    /// The slug of the size.
    size: String,
    /// How many have it.
    count: i64,
}

/// How many living droplets are in a region.
#[derive(SimpleObject)]
struct RegionCount {
    /// The slug of the region.
    region: String,
    /// How many are there.
    count: i64,
}
