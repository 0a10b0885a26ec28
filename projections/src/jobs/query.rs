//! Reads `read_v1.jobs`.

use domain::ids::{DropletId, JobId, OrgId};
use domain::job::{JobStatus, Runner};
use domain::name::{ClusterName, JobKind};
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};

use super::row::JobRow;
use crate::page::{self, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";

/// Which jobs are wanted; the default is all.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Its status is one of these; empty for any.
    pub statuses: Vec<JobStatus>,
    /// Its kind is one of these; empty for any.
    pub kinds: Vec<JobKind>,
    /// It concerns this droplet.
    pub droplet: Option<DropletId>,
    /// It concerns this cluster.
    pub cluster: Option<ClusterName>,
    /// This is who does it.
    pub runner: Option<Runner>,
}

/// What a list of jobs is ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JobOrder {
    /// Business time of the submission.
    #[default]
    CreatedAt,
    /// Business time of the last event. Rows move in this order while it is paged through.
    UpdatedAt,
}

impl Reader {
    /// A job of an organization.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn job(&self, org: &OrgId, id: JobId) -> Result<Option<JobRow>, ReadError> {
        let row: Option<Json<JobRow>> = sqlx::query_scalar(
            "select to_json(j) from read_v1.jobs j where org_id = $1 and id = $2",
        )
        .bind(org.as_str())
        .bind(id.as_uuid())
        .fetch_optional(&mut *self.session(org).await?)
        .await?;
        Ok(row.map(|Json(row)| row))
    }

    /// A page of an organization's jobs.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn jobs(
        &self,
        org: &OrgId,
        filter: &JobFilter,
        page: &Page<JobOrder>,
    ) -> Result<Slice<JobRow>, ReadError> {
        let query = select("to_json(j)", org, filter);
        page::fetch(&mut *self.session(org).await?, query, page, page::json_row).await
    }

    /// How many jobs the filter lets through.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn jobs_total(&self, org: &OrgId, filter: &JobFilter) -> Result<i64, ReadError> {
        let mut query = select("count(*)", org, filter);
        let total = query.build_query_scalar();
        Ok(total.fetch_one(&mut *self.session(org).await?).await?)
    }
}

impl Order<JobRow> for JobOrder {
    fn sort(self) -> Sort {
        match self {
            Self::CreatedAt => Sort::Time(CREATED_AT),
            Self::UpdatedAt => Sort::Time(UPDATED_AT),
        }
    }

    fn key(self, row: &JobRow) -> Key {
        let id = row.id.as_uuid();
        match self {
            Self::CreatedAt => Key::Time(CREATED_AT, row.created_at, id),
            Self::UpdatedAt => Key::Time(UPDATED_AT, row.updated_at, id),
        }
    }
}

fn select(what: &str, org: &OrgId, filter: &JobFilter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(what)
        .push(" from read_v1.jobs j where org_id = ");
    query.push_bind(org.as_str());
    if !filter.statuses.is_empty() {
        let statuses: Vec<_> = filter.statuses.iter().map(|s| s.as_str()).collect();
        query
            .push(" and status = any(")
            .push_bind(statuses)
            .push(")");
    }
    if !filter.kinds.is_empty() {
        let kinds: Vec<_> = filter.kinds.iter().map(JobKind::as_str).collect();
        query.push(" and kind = any(").push_bind(kinds).push(")");
    }
    if let Some(droplet) = filter.droplet {
        query
            .push(" and droplet_id = ")
            .push_bind(droplet.as_uuid());
    }
    if let Some(cluster) = &filter.cluster {
        query.push(" and cluster = ").push_bind(cluster.as_str());
    }
    if let Some(runner) = filter.runner {
        query.push(" and runner = ").push_bind(runner.as_str());
    }
    query
}
