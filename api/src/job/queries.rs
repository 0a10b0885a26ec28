//! The fields of the root of queries about jobs.

use async_graphql::{Context, ID, Object, Result};

use super::Job;
use super::filter::{JobFilter, JobOrder};
use crate::graph::connection::{PageArguments, Paged};
use crate::graph::global_id::{GlobalId, InvalidId};
use crate::graph::guard::Needs;
use crate::graph::resource::Resource;
use crate::graph::resource_list::list;
use crate::identity::roles::Right;

/// Queries about jobs.
#[derive(Debug, Default)]
pub(crate) struct JobQueries;

#[Object]
impl JobQueries {
    /// The job with this id; null if there is none.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job's id.")] id: ID,
        #[graphql(desc = "The `consistencyToken` of a mutation, whose write the answer shows.")]
        consistent_with: Option<String>,
    ) -> Result<Option<Job>> {
        let id = GlobalId::parse_as(&id).map_err(InvalidId::into_error)?;
        Job::find(context, id, consistent_with).await
    }

    /// The jobs of the organization.
    #[graphql(guard = "Needs(Right::Query)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The filter; all jobs if omitted.")] filter: Option<JobFilter>,
        #[graphql(desc = "The order of the list; newest first if omitted.")] order_by: Option<
            JobOrder,
        >,
        #[graphql(desc = "The number of items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the items start.")] after: Option<String>,
        #[graphql(desc = "The number of items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the items end.")] before: Option<String>,
        #[graphql(desc = "The `consistencyToken` of a mutation, whose write the answer shows.")]
        consistent_with: Option<String>,
    ) -> Result<Paged<Job>> {
        let order = order_by.unwrap_or_default();
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let filter = filter.unwrap_or_default().try_into()?;
        let order = (order.field.into(), order.direction);
        list(context, filter, order, page, consistent_with).await
    }
}
