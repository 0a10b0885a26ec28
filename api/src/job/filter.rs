//! The GraphQL inputs `JobFilter` and `JobOrder`.

use async_graphql::{Enum, Error, ID, InputObject};
use domain::name::{ClusterName, JobKind};
use projections::jobs::query;

use super::runner::Runner;
use super::status::JobStatus;
use crate::graph::filter::{read, read_all};
use crate::graph::global_id::GlobalId;
use crate::graph::order::OrderDirection;

/// The filter of a list of jobs: the jobs that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct JobFilter {
    /// The statuses to include.
    statuses: Option<Vec<JobStatus>>,
    /// The kinds to include.
    kinds: Option<Vec<String>>,
    /// The id of the droplet that the jobs concern.
    droplet: Option<ID>,
    /// The label of the cluster that the jobs concern.
    cluster_label: Option<String>,
    /// The party that runs the jobs.
    runner: Option<Runner>,
}

/// The order of a list of jobs.
#[derive(InputObject)]
pub(crate) struct JobOrder {
    /// The field to compare.
    pub(crate) field: JobOrderField,
    /// The direction of the order.
    pub(crate) direction: OrderDirection,
}

/// The field by which jobs are compared.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "query::JobOrder")]
pub(crate) enum JobOrderField {
    /// The time of the job's submission.
    CreatedAt,
    /// The time of the job's last change. A job that changes moves in this order, even between two pages.
    UpdatedAt,
}

impl Default for JobOrder {
    fn default() -> Self {
        Self {
            field: JobOrderField::CreatedAt,
            direction: OrderDirection::Descending,
        }
    }
}

impl TryFrom<JobFilter> for query::JobFilter {
    type Error = Error;

    fn try_from(filter: JobFilter) -> Result<Self, Error> {
        let statuses = filter.statuses;
        let droplet = filter.droplet.map(|id| GlobalId::parse_as(&id));
        Ok(Self {
            statuses: statuses.map(|all| all.into_iter().map(Into::into).collect()),
            kinds: read_all("kinds", filter.kinds, JobKind::parse)?,
            droplet: read("droplet", droplet.transpose())?,
            cluster: read(
                "clusterLabel",
                filter.cluster_label.map(ClusterName::parse).transpose(),
            )?,
            runner: filter.runner.map(Into::into),
        })
    }
}
