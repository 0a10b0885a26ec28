//! The filter and the orders of lists of jobs.

use domain::ids::DropletId;
use domain::job::{JobStatus, Runner};
use domain::name::{ClusterName, JobKind};

use super::Jobs;
use super::row::JobRow;
use crate::list::{Conditions, Filter, Listed};
use crate::model::Model;
use crate::page::{Key, Order, Sort};

const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";

/// A filter of jobs; the default lets all of them through.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// The accepted statuses; `None` for any.
    pub statuses: Option<Vec<JobStatus>>,
    /// The accepted kinds; `None` for any.
    pub kinds: Option<Vec<JobKind>>,
    /// The droplet that a job must concern; `None` for any.
    pub droplet: Option<DropletId>,
    /// The cluster that a job must concern; `None` for any.
    pub cluster: Option<ClusterName>,
    /// The runner of the jobs; `None` for any.
    pub runner: Option<Runner>,
}

/// An order of lists of jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JobOrder {
    /// Business time of the submission.
    #[default]
    CreatedAt,
    /// Business time of the last event. Rows move in this order while a client pages through it.
    UpdatedAt,
}

impl Listed for Jobs {
    type Filter = JobFilter;
    type Order = JobOrder;
}

impl Order<JobRow> for JobOrder {
    const LIST: &'static str = Jobs::NAME;

    fn sort(self) -> Sort {
        match self {
            Self::CreatedAt => Sort::Time(CREATED_AT),
            Self::UpdatedAt => Sort::Time(UPDATED_AT),
        }
    }

    fn key(self, row: &JobRow) -> Key {
        let id = row.id.as_uuid();
        match self {
            Self::CreatedAt => Key::Time(row.created_at, id),
            Self::UpdatedAt => Key::Time(row.updated_at, id),
        }
    }
}

impl Filter for JobFilter {
    fn restrict(&self, conditions: &mut Conditions<'_>) {
        let Self {
            statuses,
            kinds,
            droplet,
            cluster,
            runner,
        } = self;
        let statuses = statuses.as_ref();
        conditions.one_of(
            "status",
            statuses.map(|all| all.iter().map(|status| status.as_str())),
        );
        let kinds = kinds.as_ref();
        conditions.one_of("kind", kinds.map(|all| all.iter().map(JobKind::as_str)));
        if let Some(droplet) = droplet {
            conditions.equal("droplet_id", droplet.as_uuid());
        }
        if let Some(cluster) = cluster {
            conditions.equal("cluster", cluster.as_str());
        }
        if let Some(runner) = runner {
            conditions.equal("runner", runner.as_str());
        }
    }
}
