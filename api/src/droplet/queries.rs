//! The fields of the root of queries about droplets.

use async_graphql::{Context, ID, Object, Result};

use super::Droplet;
use super::filter::{DropletFilter, DropletOrder};
use crate::graph::connection::{PageArguments, Paged};
use crate::graph::global_id::{GlobalId, InvalidId};
use crate::graph::guard::Needs;
use crate::graph::resource::Resource;
use crate::graph::resource_list::list;
use crate::identity::roles::Right;

/// Queries about droplets.
#[derive(Debug, Default)]
pub(crate) struct DropletQueries;

#[Object]
impl DropletQueries {
    /// The droplet with this id, deleted or not; null if there is none.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet's id.")] id: ID,
        #[graphql(desc = "The `consistencyToken` of a mutation, whose write the answer shows.")]
        consistent_with: Option<String>,
    ) -> Result<Option<Droplet>> {
        let id = GlobalId::parse_as(&id).map_err(InvalidId::into_error)?;
        Droplet::find(context, id, consistent_with).await
    }

    /// The droplets of the organization. Deleted droplets are omitted unless the filter asks for them.
    #[graphql(guard = "Needs(Right::Query)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn droplets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The filter; all droplets except deleted ones if omitted.")]
        filter: Option<DropletFilter>,
        #[graphql(desc = "The order of the list; newest first if omitted.")] order_by: Option<
            DropletOrder,
        >,
        #[graphql(desc = "The number of items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the items start.")] after: Option<String>,
        #[graphql(desc = "The number of items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the items end.")] before: Option<String>,
        #[graphql(desc = "The `consistencyToken` of a mutation, whose write the answer shows.")]
        consistent_with: Option<String>,
    ) -> Result<Paged<Droplet>> {
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
