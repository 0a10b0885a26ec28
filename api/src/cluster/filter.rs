//! `ClusterFilter` and `ClusterOrder`.

use async_graphql::{Enum, InputObject};
use projections::clusters::query;

use super::status::ClusterStatus;
use crate::graph::order::OrderDirection;

/// Which clusters are wanted: those that fit everything given.
#[derive(InputObject, Default)]
pub(crate) struct ClusterFilter {
    /// The name contains this, in capitals or not.
    name: Option<String>,
    /// The status is one of these; without, any but `DELETED`.
    statuses: Option<Vec<ClusterStatus>>,
}

/// What a list of clusters is ordered by.
#[derive(InputObject)]
pub(crate) struct ClusterOrder {
    /// What to compare.
    pub(crate) field: ClusterOrderField,
    /// Which way.
    pub(crate) direction: OrderDirection,
}

/// What clusters are compared by.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "query::ClusterOrder")]
pub(crate) enum ClusterOrderField {
    /// When they were created.
    CreatedAt,
    /// When they changed last. They move in this order while it is paged through.
    UpdatedAt,
    /// Their names.
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
        let statuses = filter.statuses.unwrap_or_default();
        Self {
            name: filter.name,
            statuses: statuses.into_iter().map(Into::into).collect(),
        }
    }
}
