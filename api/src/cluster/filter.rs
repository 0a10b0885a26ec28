//! The GraphQL inputs `ClusterFilter` and `ClusterOrder`.

use async_graphql::{Enum, InputObject};
use projections::clusters::query;

use super::status::ClusterStatus;
use crate::graph::order::OrderDirection;

/// The filter of a list of clusters: the clusters that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct ClusterFilter {
    /// The text that the names contain, regardless of case.
    name: Option<String>,
    /// The statuses to include; all except `DELETED` if omitted.
    statuses: Option<Vec<ClusterStatus>>,
}

/// The order of a list of clusters.
#[derive(InputObject)]
pub(crate) struct ClusterOrder {
    /// The field to compare.
    pub(crate) field: ClusterOrderField,
    /// The direction of the order.
    pub(crate) direction: OrderDirection,
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

impl From<ClusterFilter> for query::ClusterFilter {
    fn from(filter: ClusterFilter) -> Self {
        let statuses = filter.statuses;
        Self {
            name: filter.name,
            statuses: statuses.map(|all| all.into_iter().map(Into::into).collect()),
        }
    }
}
