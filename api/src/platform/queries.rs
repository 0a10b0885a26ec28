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
    /// How the platform itself is doing.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn platform(&self) -> Platform {
        Platform
    }

    /// What this request costs, and what whoever asks may still spend.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn rate_limit(&self, context: &Context<'_>) -> Option<RateLimit> {
        Charged::of(context).map(RateLimit)
    }
}
