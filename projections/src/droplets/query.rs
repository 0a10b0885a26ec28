//! Reads `read_v1.droplets`.

use domain::droplet::DropletStatus;
use domain::ids::{ClusterId, DropletId, OrgId};
use domain::slug::{RegionSlug, SizeSlug};
use domain::tag::Tag;
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};

use super::row::DropletRow;
use crate::page::{self, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";
const NAME: &str = "name";

/// Which droplets are wanted; the default is all that are not deleted.
#[derive(Debug, Clone, Default)]
pub struct DropletFilter {
    /// The name contains this, in capitals or not.
    pub name: Option<String>,
    /// It carries all of these tags.
    pub tags: Vec<Tag>,
    /// Its status is one of these; empty for any but deleted.
    pub statuses: Vec<DropletStatus>,
    /// Its region is one of these; empty for any.
    pub regions: Vec<RegionSlug>,
    /// Its size is one of these; empty for any.
    pub sizes: Vec<SizeSlug>,
    /// It belongs to this cluster.
    pub cluster: Option<ClusterId>,
}

/// What a list of droplets is ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DropletOrder {
    /// Business time of the request.
    #[default]
    CreatedAt,
    /// Business time of the last event. Rows move in this order while it is paged through.
    UpdatedAt,
    /// The name, by its bytes.
    Name,
}

impl Reader {
    /// A droplet of an organization, also a deleted one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn droplet(
        &self,
        org: &OrgId,
        id: DropletId,
    ) -> Result<Option<DropletRow>, ReadError> {
        let row: Option<Json<DropletRow>> = sqlx::query_scalar(
            "select to_json(d) from read_v1.droplets d where org_id = $1 and id = $2",
        )
        .bind(org.as_str())
        .bind(id.as_uuid())
        .fetch_optional(&mut *self.session(org).await?)
        .await?;
        Ok(row.map(|Json(row)| row))
    }

    /// A page of an organization's droplets.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn droplets(
        &self,
        org: &OrgId,
        filter: &DropletFilter,
        page: &Page<DropletOrder>,
    ) -> Result<Slice<DropletRow>, ReadError> {
        let query = select("to_json(d)", org, filter);
        page::fetch(&mut *self.session(org).await?, query, page, page::json_row).await
    }

    /// How many droplets the filter lets through.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn droplets_total(
        &self,
        org: &OrgId,
        filter: &DropletFilter,
    ) -> Result<i64, ReadError> {
        let mut query = select("count(*)", org, filter);
        let total = query.build_query_scalar();
        Ok(total.fetch_one(&mut *self.session(org).await?).await?)
    }
}

impl Order<DropletRow> for DropletOrder {
    fn sort(self) -> Sort {
        match self {
            Self::CreatedAt => Sort::Time(CREATED_AT),
            Self::UpdatedAt => Sort::Time(UPDATED_AT),
            Self::Name => Sort::Text(NAME),
        }
    }

    fn key(self, row: &DropletRow) -> Key {
        let id = row.id.as_uuid();
        match self {
            Self::CreatedAt => Key::Time(CREATED_AT, row.created_at, id),
            Self::UpdatedAt => Key::Time(UPDATED_AT, row.updated_at, id),
            Self::Name => Key::Text(NAME, row.name.to_string(), id),
        }
    }
}

fn select(what: &str, org: &OrgId, filter: &DropletFilter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(what)
        .push(" from read_v1.droplets d where org_id = ");
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
    if !filter.tags.is_empty() {
        let tags: Vec<_> = filter.tags.iter().map(Tag::as_str).collect();
        query.push(" and tags @> ").push_bind(tags);
    }
    if !filter.regions.is_empty() {
        let regions: Vec<_> = filter.regions.iter().map(RegionSlug::as_str).collect();
        query
            .push(" and region = any(")
            .push_bind(regions)
            .push(")");
    }
    if !filter.sizes.is_empty() {
        let sizes: Vec<_> = filter.sizes.iter().map(SizeSlug::as_str).collect();
        query.push(" and size = any(").push_bind(sizes).push(")");
    }
    if let Some(cluster) = filter.cluster {
        query
            .push(" and cluster_id = ")
            .push_bind(cluster.as_uuid());
    }
    query
}
