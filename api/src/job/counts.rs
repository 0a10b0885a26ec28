//! The fields of `Counts` about jobs.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use domain::job;
use projections::counts::query::OrgCounts;
use projections::jobs;

use super::status::JobStatus;

/// How many jobs an organization has.
pub(crate) struct JobCounts(Arc<OrgCounts>);

impl From<Arc<OrgCounts>> for JobCounts {
    fn from(counts: Arc<OrgCounts>) -> Self {
        Self(counts)
    }
}

#[Object]
impl JobCounts {
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
