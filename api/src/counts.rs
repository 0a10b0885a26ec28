//! The query `counts`: the numbers of resources of an organization.

use std::marker::PhantomData;

use async_graphql::{Context, Object, OutputType, Result};
use projections::counts::query::OrgCounts;
use projections::registry::COUNTS;

use crate::graph::guard::Needs;
use crate::graph::{consistency, error};
use crate::identity::roles::Right;

/// Queries about counts, with fields of the type that the schema supplies.
pub(crate) struct CountsQueries<Counts>(PhantomData<fn() -> Counts>);

impl<Counts> Default for CountsQueries<Counts> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[Object]
impl<Counts: OutputType + From<OrgCounts>> CountsQueries<Counts> {
    /// The numbers of resources of the organization.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn counts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `consistencyToken` of a mutation, whose write the answer shows.")]
        consistent_with: Option<String>,
    ) -> Result<Counts> {
        let (reader, org) = consistency::reader(context, consistent_with, &[&COUNTS]).await?;
        let counts = reader.counts(org).await.map_err(error::read_failed)?;
        Ok(counts.into())
    }
}
