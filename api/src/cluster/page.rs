//! Pages of clusters.

use async_graphql::{Context, Object, Result};
use projections::clusters::query::ClusterFilter;

use super::Cluster;
use crate::graph::connection::Listed;
use crate::graph::error;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

impl Listed for Cluster {
    type Fields = ClusterTotal;
    const PAGE: &'static str = "A page of clusters.";
    const ITEM: &'static str = "A cluster in a page.";
}

/// How many clusters a filter lets through.
pub(crate) struct ClusterTotal(pub(crate) ClusterFilter);

/// What a connection of clusters has besides its page.
#[Object]
impl ClusterTotal {
    /// How many clusters the filter lets through, on all pages. Costs a count: ask only if needed.
    async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let total = reader.clusters_total(org, &self.0).await;
        total.map_err(error::read_failed)
    }
}
