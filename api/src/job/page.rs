//! Pages of jobs.

use async_graphql::{Context, Object, Result};
use projections::jobs::query::JobFilter;

use super::Job;
use crate::graph::connection::Listed;
use crate::graph::error;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

impl Listed for Job {
    type Fields = JobTotal;
    const PAGE: &'static str = "A page of jobs.";
    const ITEM: &'static str = "A job in a page.";
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
