//! Reads `read_v1.clusters`.

use domain::cluster::ClusterStatus;
use domain::ids::{ClusterId, OrgId};
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};

use super::row::ClusterRow;
use crate::page::{self, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";
const NAME: &str = "name";

/// Which clusters are wanted; the default is all that are not deleted.
#[derive(Debug, Clone, Default)]
pub struct ClusterFilter {
    /// The name contains this, in capitals or not.
    pub name: Option<String>,
    /// Its status is one of these; empty for any but deleted.
    pub statuses: Vec<ClusterStatus>,
}

/// What a list of clusters is ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClusterOrder {
    /// Business time of the creation.
    #[default]
    CreatedAt,
    /// Business time of the last event. Rows move in this order while it is paged through.
    UpdatedAt,
    /// The name, by its bytes.
    Name,
}

impl Reader {
    /// A cluster of an organization, also a deleted one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn cluster(
        &self,
        org: &OrgId,
        id: ClusterId,
    ) -> Result<Option<ClusterRow>, ReadError> {
        let row: Option<Json<ClusterRow>> = sqlx::query_scalar(
            "select to_json(c) from read_v1.clusters c where org_id = $1 and id = $2",
        )
        .bind(org.as_str())
        .bind(id.as_uuid())
        .fetch_optional(&mut *self.session(org).await?)
        .await?;
        Ok(row.map(|Json(row)| row))
    }

    /// A page of an organization's clusters.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn clusters(
        &self,
        org: &OrgId,
        filter: &ClusterFilter,
        page: &Page<ClusterOrder>,
    ) -> Result<Slice<ClusterRow>, ReadError> {
        let query = select("to_json(c)", org, filter);
        page::fetch(&mut *self.session(org).await?, query, page, page::json_row).await
    }

    /// How many clusters the filter lets through.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn clusters_total(
        &self,
        org: &OrgId,
        filter: &ClusterFilter,
    ) -> Result<i64, ReadError> {
        let mut query = select("count(*)", org, filter);
        let total = query.build_query_scalar();
        Ok(total.fetch_one(&mut *self.session(org).await?).await?)
    }
}

impl Order<ClusterRow> for ClusterOrder {
    fn sort(self) -> Sort {
        match self {
            Self::CreatedAt => Sort::Time(CREATED_AT),
            Self::UpdatedAt => Sort::Time(UPDATED_AT),
            Self::Name => Sort::Text(NAME),
        }
    }

    fn key(self, row: &ClusterRow) -> Key {
        let id = row.id.as_uuid();
        match self {
            Self::CreatedAt => Key::Time(CREATED_AT, row.created_at, id),
            Self::UpdatedAt => Key::Time(UPDATED_AT, row.updated_at, id),
            Self::Name => Key::Text(NAME, row.name.as_str().to_owned(), id),
        }
    }
}

fn select(what: &str, org: &OrgId, filter: &ClusterFilter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(what)
        .push(" from read_v1.clusters c where org_id = ");
    query.push_bind(org.as_str());
    if filter.statuses.is_empty() {
        query.push(" and status <> 'DELETED'");
    } else {
        let statuses: Vec<_> = filter.statuses.iter().map(|s| s.as_str()).collect();
        query
            .push(" and status = any(")
            .push_bind(statuses)
            .push(")");
    }
    if let Some(name) = &filter.name {
        query
            .push(" and strpos(lower(name), lower(")
            .push_bind(name)
            .push(")) > 0");
    }
    query
}
