//! The GraphQL enum `OrderDirection`.

use async_graphql::Enum;

/// The direction of a list's order.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "projections::page::Direction")]
pub(crate) enum OrderDirection {
    /// The smallest or oldest comes first.
    Ascending,
    /// The largest or newest comes first.
    Descending,
}
