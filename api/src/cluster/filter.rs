//! The GraphQL inputs `ClusterFilter` and `ClusterOrder`.

use async_graphql::{Enum, InputObject};
use projections::clusters::query;

use super::status::ClusterStatus;
use crate::graph::error::Error;
use crate::graph::filter::all_into;
use crate::graph::order::OrderDirection;

/// The filter of a list of clusters: the clusters that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct ClusterFilter {
    /// The text that the names contain, regardless of case.
    name: Option<String>,
    /// The statuses to include; all except `DELETED` if omitted, and none if empty.
    statuses: Option<Vec<ClusterStatus>>,
}

/// The order of a list of clusters.
#[derive(InputObject)]
pub(crate) struct ClusterOrder {
    /// The field to compare.
    field: ClusterOrderField,
    /// The direction of the order.
    direction: OrderDirection,
}

/// The field by which clusters are compared.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "query::ClusterOrder")]
pub(crate) enum ClusterOrderField {
    /// The time of the cluster's creation.
    CreatedAt,
    /// The time of the cluster's last change. A cluster that changes moves in this order, even between two
    /// pages.
    UpdatedAt,
    /// The name of the cluster.
    Name,
}

impl Default for ClusterOrder {
    fn default() -> Self {
        Self {
            field: ClusterOrderField::CreatedAt,
            direction: OrderDirection::Descending,
        }
    }
}

impl TryFrom<ClusterFilter> for query::ClusterFilter {
    type Error = Error;

    fn try_from(filter: ClusterFilter) -> Result<Self, Error> {
        Ok(Self {
            name: filter.name,
            statuses: all_into(filter.statuses),
        })
    }
}

impl From<ClusterOrder> for (query::ClusterOrder, OrderDirection) {
    fn from(order: ClusterOrder) -> Self {
        (order.field.into(), order.direction)
    }
}
