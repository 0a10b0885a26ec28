//! `totalCount` of connections: counted only when it is asked for.

use async_graphql::{Context, Object, Result};
use projections::droplets::query::DropletFilter;
use projections::jobs::query::JobFilter;

use crate::graph::error;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

/// How many droplets a filter lets through.
pub(crate) struct DropletTotal(pub(crate) DropletFilter);

/// What a connection of droplets has besides its page.
#[Object]
impl DropletTotal {
    /// How many droplets the filter lets through, on all pages. Costs a count: ask only if needed.
    async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let total = reader.droplets_total(org, &self.0).await;
        total.map_err(error::read_failed)
    }
}

/// How many jobs a filter lets through.
pub(crate) struct JobTotal(pub(crate) JobFilter);

/// What a connection of jobs has besides its page.
#[Object]
impl JobTotal {
    /// How many jobs the filter lets through, on all pages. Costs a count: ask only if needed.
    async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let total = reader.jobs_total(org, &self.0).await;
        total.map_err(error::read_failed)
    }
}
