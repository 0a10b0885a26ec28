//! Pages of droplets.

use async_graphql::{Context, Object, Result};
use projections::droplets::query::DropletFilter;

use super::Droplet;
use crate::graph::connection::Listed;
use crate::graph::error;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

impl Listed for Droplet {
    type Fields = DropletTotal;
    const PAGE: &'static str = "A page of droplets.";
    const ITEM: &'static str = "A droplet in a page.";
}

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
