//! The GraphQL inputs `JobFilter` and `JobOrder`.

use async_graphql::{Enum, ID, InputObject};
use domain::name::{ClusterName, JobKind};
use projections::jobs::query;

use super::runner::Runner;
use super::status::JobStatus;
use crate::graph::error::Error;
use crate::graph::filter::{all_into, read, read_some};
use crate::graph::global_id::GlobalId;
use crate::graph::order::OrderDirection;

/// The filter of a list of jobs: the jobs that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct JobFilter {
    /// The statuses to include; none if empty.
    statuses: Option<Vec<JobStatus>>,
    /// The kinds to include; none if empty.
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
    field: JobOrderField,
    /// The direction of the order.
    direction: OrderDirection,
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
        let droplet = filter.droplet.map(|id| GlobalId::parse_as(&id));
        Ok(Self {
            statuses: all_into(filter.statuses),
            kinds: read_some("kinds", filter.kinds, JobKind::parse)?,
            droplet: read("droplet", droplet.transpose())?,
            cluster: read(
                "clusterLabel",
                filter.cluster_label.map(ClusterName::parse).transpose(),
            )?,
            runner: filter.runner.map(Into::into),
        })
    }
}

impl From<JobOrder> for (query::JobOrder, OrderDirection) {
    fn from(order: JobOrder) -> Self {
        (order.field.into(), order.direction)
    }
}
