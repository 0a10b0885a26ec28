//! The GraphQL inputs `DropletFilter` and `DropletOrder`.

use async_graphql::{Enum, Error, ID, InputObject};
use domain::slug::{RegionSlug, SizeSlug};
use domain::tag::Tag;
use projections::droplets::query;

use super::status::DropletStatus;
use crate::graph::filter::{read, read_all};
use crate::graph::global_id::GlobalId;
use crate::graph::order::OrderDirection;

/// The filter of a list of droplets: the droplets that match every given field. Deleted droplets are
/// omitted unless `statuses` asks for them.
#[derive(InputObject, Default)]
pub(crate) struct DropletFilter {
    /// The text that the names contain, regardless of case.
    name: Option<String>,
    /// The tags that the droplets to include carry, all of them.
    tags: Option<Vec<String>>,
    /// The statuses to include.
    statuses: Option<Vec<DropletStatus>>,
    /// The slugs of the regions to include.
    regions: Option<Vec<String>>,
    /// The slugs of the sizes to include.
    sizes: Option<Vec<String>>,
    /// The id of the cluster to which the droplets belong.
    cluster: Option<ID>,
}

/// The order of a list of droplets.
#[derive(InputObject)]
pub(crate) struct DropletOrder {
    /// The field to compare.
    pub(crate) field: DropletOrderField,
    /// The direction of the order.
    pub(crate) direction: OrderDirection,
}

/// The field by which droplets are compared.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "query::DropletOrder")]
pub(crate) enum DropletOrderField {
    /// The time of the droplet's request.
    CreatedAt,
    /// The time of the droplet's last change. A droplet that changes moves in this order, even between two
    /// pages.
    UpdatedAt,
    /// The name of the droplet.
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
        let statuses = filter.statuses;
        Ok(Self {
            name: filter.name,
            tags: read_all("tags", filter.tags, Tag::parse)?.unwrap_or_default(),
            statuses: statuses.map(|all| all.into_iter().map(Into::into).collect()),
            regions: read_all("regions", filter.regions, RegionSlug::parse)?,
            sizes: read_all("sizes", filter.sizes, SizeSlug::parse)?,
            cluster: read(
                "cluster",
                filter.cluster.map(|id| GlobalId::parse_as(&id)).transpose(),
            )?,
        })
    }
}
