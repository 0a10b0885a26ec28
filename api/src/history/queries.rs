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
    /// The whole history of the organization in the order of the log, oldest first. Not every role may read
    /// the history.
    #[graphql(guard = "Needs(Right::History)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The filter; all events if omitted.")] filter: Option<EventFilter>,
        #[graphql(desc = "The number of items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the items start.")] after: Option<String>,
        #[graphql(desc = "The number of items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the items end.")] before: Option<String>,
        #[graphql(desc = "The `consistencyToken` of a mutation, whose write the answer shows.")]
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
