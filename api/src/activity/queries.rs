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
        #[graphql(desc = "Which lines; all if left out.")] filter: Option<ActivityFilter>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "A mutation's `consistencyToken`: the answer shows what it wrote.")]
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
