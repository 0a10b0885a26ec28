//! `DropletFilter` and `DropletOrder`.

use async_graphql::{Enum, Error, ID, InputObject};
use domain::slug::{RegionSlug, SizeSlug};
use domain::tag::Tag;
use projections::droplets::query;

use super::status::DropletStatus;
use crate::graph::filter::{read, read_all};
use crate::graph::global_id::GlobalId;
use crate::graph::order::OrderDirection;

/// Which droplets are wanted: those that fit everything given. Deleted ones are left out unless
/// `statuses` asks for them.
#[derive(InputObject, Default)]
pub(crate) struct DropletFilter {
    /// The name contains this, in capitals or not.
    name: Option<String>,
    /// It carries all of these tags.
    tags: Option<Vec<String>>,
    /// Its status is one of these.
    statuses: Option<Vec<DropletStatus>>,
    /// Its region is one of these slugs.
    regions: Option<Vec<String>>,
    /// Its size is one of these slugs.
    sizes: Option<Vec<String>>,
    /// It belongs to the cluster with this id.
    cluster: Option<ID>,
}

/// What a list of droplets is ordered by.
#[derive(InputObject)]
pub(crate) struct DropletOrder {
    /// What to compare.
    pub(crate) field: DropletOrderField,
    /// Which way.
    pub(crate) direction: OrderDirection,
}

/// What droplets are compared by.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "query::DropletOrder")]
pub(crate) enum DropletOrderField {
    /// When they were requested.
    CreatedAt,
    /// When they changed last. They move in this order while it is paged through.
    UpdatedAt,
    /// Their names.
    Name,
}

impl Default for DropletOrder {
    fn default() -> Self {
        Self {
            field: DropletOrderField::CreatedAt,
            direction: OrderDirection::Descending,
        }
    }
}

impl TryFrom<DropletFilter> for query::DropletFilter {
    type Error = Error;

    fn try_from(filter: DropletFilter) -> Result<Self, Error> {
        let statuses = filter.statuses.unwrap_or_default();
        Ok(Self {
            name: filter.name,
            tags: read_all("tags", filter.tags, Tag::parse)?,
            statuses: statuses.into_iter().map(Into::into).collect(),
            regions: read_all("regions", filter.regions, RegionSlug::parse)?,
            sizes: read_all("sizes", filter.sizes, SizeSlug::parse)?,
            cluster: read(
                "cluster",
                filter.cluster.map(|id| GlobalId::parse_as(&id)).transpose(),
            )?,
        })
    }
}
