//! The fields of `Counts` about jobs.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use domain::job;
use projections::counts::query::OrgCounts;
use projections::jobs;

use super::status::JobStatus;

/// The numbers of jobs of an organization.
pub(crate) struct JobCounts(Arc<OrgCounts>);

impl From<Arc<OrgCounts>> for JobCounts {
    fn from(counts: Arc<OrgCounts>) -> Self {
        Self(counts)
    }
}

#[Object]
impl JobCounts {
    /// The number of jobs in each status. Each status occurs once.
    async fn jobs_by_status(&self) -> Vec<JobStatusCount> {
        let count = |status: job::JobStatus| JobStatusCount {
            status: status.into(),
            count: self.0.of(jobs::counted::BY_STATUS, status.as_str()),
        };
        job::JobStatus::ALL.into_iter().map(count).collect()
    }

    /// The number of jobs of each kind. Kinds without any are omitted.
    async fn jobs_by_kind(&self) -> Vec<JobKindCount> {
        let counts = self.0.by(jobs::counted::BY_KIND);
        let counts = counts.map(|(kind, count)| JobKindCount {
            kind: kind.to_owned(),
            count,
        });
        counts.collect()
    }
}

/// The number of jobs in a status.
#[derive(SimpleObject)]
struct JobStatusCount {
    /// The status.
    status: JobStatus,
    /// The number of jobs in this status.
    count: i64,
}

/// The number of jobs of a kind.
#[derive(SimpleObject)]
struct JobKindCount {
    /// The kind.
    kind: String,
    /// The number of jobs of this kind.
    count: i64,
}
