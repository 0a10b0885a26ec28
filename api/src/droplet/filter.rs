//! The GraphQL inputs `DropletFilter` and `DropletOrder`.

use async_graphql::{Enum, ID, InputObject};
use domain::slug::{RegionSlug, SizeSlug};
use domain::tag::Tag;
use projections::droplets::query;

use super::status::DropletStatus;
use crate::graph::error::Error;
use crate::graph::filter::{all_into, read, read_all, read_some};
use crate::graph::global_id::GlobalId;
use crate::graph::order::OrderDirection;

/// The filter of a list of droplets: the droplets that match every given field. Deleted droplets are
/// omitted unless `statuses` asks for them.
#[derive(InputObject, Default)]
pub(crate) struct DropletFilter {
    /// The text that the names contain, regardless of case.
    name: Option<String>,
    /// The tags that the droplets to include carry, all of them; any if empty.
    tags: Option<Vec<String>>,
    /// The statuses to include; all except `DELETED` if omitted, and none if empty.
    statuses: Option<Vec<DropletStatus>>,
    /// The slugs of the regions to include; none if empty.
    regions: Option<Vec<String>>,
    /// The slugs of the sizes to include; none if empty.
    sizes: Option<Vec<String>>,
    /// The id of the cluster to which the droplets belong.
    cluster: Option<ID>,
}

/// The order of a list of droplets.
#[derive(InputObject)]
pub(crate) struct DropletOrder {
    /// The field to compare.
    field: DropletOrderField,
    /// The direction of the order.
    direction: OrderDirection,
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
        Ok(Self {
            name: filter.name,
            tags: read_all("tags", filter.tags, Tag::parse)?,
            statuses: all_into(filter.statuses),
            regions: read_some("regions", filter.regions, RegionSlug::parse)?,
            sizes: read_some("sizes", filter.sizes, SizeSlug::parse)?,
            cluster: read(
                "cluster",
                filter.cluster.map(|id| GlobalId::parse_as(&id)).transpose(),
            )?,
        })
    }
}

impl From<DropletOrder> for (query::DropletOrder, OrderDirection) {
    fn from(order: DropletOrder) -> Self {
        (order.field.into(), order.direction)
    }
}
