//! `Counts`: how many there are.

use async_graphql::{Object, SimpleObject};
use domain::{droplet, job};
use projections::counts::query::OrgCounts;
use projections::{droplets, jobs};

use crate::types::droplet_status::DropletStatus;
use crate::types::job_status::JobStatus;

/// How many an organization has.
pub(crate) struct Counts(pub(crate) OrgCounts);

/// How many droplets and jobs the organization has.
#[Object]
impl Counts {
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

    /// Jobs by status, each status once.
    async fn jobs_by_status(&self) -> Vec<JobStatusCount> {
        let count = |status: job::JobStatus| JobStatusCount {
            status: status.into(),
            count: self.0.of(jobs::counted::BY_STATUS, status.as_str()),
        };
        job::JobStatus::ALL.into_iter().map(count).collect()
    }

    /// Jobs by kind; kinds without any are left out.
    async fn jobs_by_kind(&self) -> Vec<JobKindCount> {
        let counts = self.0.by(jobs::counted::BY_KIND);
        let counts = counts.map(|(kind, count)| JobKindCount {
            kind: kind.to_owned(),
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

/// How many jobs have a status.
#[derive(SimpleObject)]
struct JobStatusCount {
    /// The status.
    status: JobStatus,
    /// How many have it.
    count: i64,
}

/// How many jobs are of a kind.
#[derive(SimpleObject)]
struct JobKindCount {
    /// The kind.
    kind: String,
    /// How many are of it.
    count: i64,
}
