//! `JobFilter` and `JobOrder`.

use async_graphql::{Enum, Error, ID, InputObject};
use domain::name::{ClusterName, JobKind};
use projections::jobs::query;

use super::runner::Runner;
use super::status::JobStatus;
use crate::graph::filter::{read, read_all};
use crate::graph::global_id::GlobalId;
use crate::graph::order::OrderDirection;

/// Which jobs are wanted: those that fit everything given.
#[derive(InputObject, Default)]
pub(crate) struct JobFilter {
    /// Its status is one of these.
    statuses: Option<Vec<JobStatus>>,
    /// Its kind is one of these.
    kinds: Option<Vec<String>>,
    /// It concerns the droplet with this id.
    droplet: Option<ID>,
    /// The label of the cluster that the job concerns.
    cluster_label: Option<String>,
    /// This is who does it.
    runner: Option<Runner>,
}

/// What a list of jobs is ordered by.
#[derive(InputObject)]
pub(crate) struct JobOrder {
    /// What to compare.
    pub(crate) field: JobOrderField,
    /// Which way.
    pub(crate) direction: OrderDirection,
}

/// What jobs are compared by.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "query::JobOrder")]
pub(crate) enum JobOrderField {
    /// When they were submitted.
    CreatedAt,
    /// When they changed last. They move in this order while it is paged through.
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
        let statuses = filter.statuses.unwrap_or_default();
        let droplet = filter.droplet.map(|id| GlobalId::parse_as(&id));
        Ok(Self {
            statuses: statuses.into_iter().map(Into::into).collect(),
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
