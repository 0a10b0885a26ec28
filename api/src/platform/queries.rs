//! The fields of the root of queries about the platform, and about the request itself.

use async_graphql::{Context, Object};

use super::object::Platform;
use super::rate_limit::RateLimit;
use crate::admission::rate_limit::Charged;
use crate::graph::guard::Needs;
use crate::identity::roles::Right;

/// Queries about the platform, and about the request itself.
#[derive(Debug, Default)]
pub(crate) struct PlatformQueries;

#[Object]
impl PlatformQueries {
    /// The state of the platform itself.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn platform(&self) -> Platform {
        Platform
    }

    /// The cost of this request, and the points that the caller may still spend.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn rate_limit(&self, context: &Context<'_>) -> Option<RateLimit> {
        Charged::of(context).map(RateLimit)
    }
}
