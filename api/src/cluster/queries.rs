//! The fields of the root of queries about clusters.

use async_graphql::{Context, ID, Object, Result};

use super::Cluster;
use super::filter::{ClusterFilter, ClusterOrder};
use crate::graph::connection::{PageArguments, Paged};
use crate::graph::global_id::{GlobalId, InvalidId};
use crate::graph::guard::Needs;
use crate::graph::resource::Resource;
use crate::graph::resource_list::list;
use crate::identity::roles::Right;

/// Queries about clusters.
#[derive(Debug, Default)]
pub(crate) struct ClusterQueries;

#[Object]
impl ClusterQueries {
    /// The cluster with this id, deleted or not; null if there is none.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn cluster(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cluster's id.")] id: ID,
        #[graphql(desc = "A mutation's `consistencyToken`: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Option<Cluster>> {
        let id = GlobalId::parse_as(&id).map_err(InvalidId::into_error)?;
        Cluster::find(context, id, consistent_with).await
    }

    /// The organization's clusters, without deleted ones unless the filter asks for them.
    #[graphql(guard = "Needs(Right::Query)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn clusters(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which ones; all if left out.")] filter: Option<ClusterFilter>,
        #[graphql(desc = "In which order; the newest first if left out.")] order_by: Option<
            ClusterOrder,
        >,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "A mutation's `consistencyToken`: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Paged<Cluster>> {
        let order = order_by.unwrap_or_default();
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let filter = filter.unwrap_or_default().into();
        let order = (order.field.into(), order.direction);
        list(context, filter, order, page, consistent_with).await
    }
}
