//! `OrderDirection`.

use async_graphql::Enum;

/// Which way a list is ordered.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "projections::page::Direction")]
pub(crate) enum OrderDirection {
    /// Smallest, oldest first.
    Ascending,
    /// Largest, newest first.
    Descending,
}
