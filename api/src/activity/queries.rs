//! The fields of the root of queries about activity.

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, Object, Result};
use projections::page::{ByPosition, Direction};

use super::Activity;
use super::filter::ActivityFilter;
use crate::graph::connection::{PageArguments, Paged, connection};
use crate::graph::guard::Needs;
use crate::graph::{consistency, error};
use crate::identity::roles::Right;

/// Queries about activity.
#[derive(Debug, Default)]
pub(crate) struct ActivityQueries;

#[Object]
impl ActivityQueries {
    /// The activity log, one line for each event, newest first.
    #[graphql(guard = "Needs(Right::Query)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn activity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The filter; all lines if omitted.")] filter: Option<ActivityFilter>,
        #[graphql(desc = "The number of items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the items start.")] after: Option<String>,
        #[graphql(desc = "The number of items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the items end.")] before: Option<String>,
        #[graphql(desc = "The `consistencyToken` of a mutation, whose write the answer shows.")]
        consistent_with: Option<String>,
    ) -> Result<Paged<Activity>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let page = arguments.page(ByPosition, Direction::Descending)?;
        let filter = filter.unwrap_or_default().try_into()?;
        let (reader, org) = consistency::reader(
            context,
            consistent_with,
            &[&projections::activity::Activity],
        )
        .await?;
        let slice = reader.activity(org, &filter, &page).await;
        let slice = slice.map_err(error::read_failed)?;
        Ok(connection(slice, Activity::from, EmptyFields))
    }
}
