//! The fields of the root of queries about events.

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, Object, Result};
use projections::history::HistoryFilter;
use projections::page::{ByPosition, Direction};

use super::Event;
use super::filter::EventFilter;
use crate::graph::connection::{PageArguments, Paged, connection};
use crate::graph::guard::Needs;
use crate::graph::{consistency, error};
use crate::identity::roles::Right;

/// Queries about events.
#[derive(Debug, Default)]
pub(crate) struct HistoryQueries;

#[Object]
impl HistoryQueries {
    /// The organization's whole history, in the order of the log, the oldest first. Not every role
    /// may read it.
    #[graphql(guard = "Needs(Right::History)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which events; all if left out.")] filter: Option<EventFilter>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "A mutation's `consistencyToken`: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Paged<Event>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let page = arguments.page(ByPosition, Direction::Ascending)?;
        let filter = HistoryFilter::try_from(filter.unwrap_or_default())?;
        let (reader, org) = consistency::reader(context, consistent_with, &[]).await?;
        let slice = reader.history(org, &filter, &page).await;
        let slice = slice.map_err(error::read_failed)?;
        Ok(connection(slice, Event::from, EmptyFields))
    }
}
