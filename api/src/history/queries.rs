//! The query for events.

use projections::page::{ByPosition, Direction};

use super::Event;
use super::filter::EventFilter;
use crate::graph::connection::Connection;
use crate::graph::consistency;
use crate::graph::error::{self, Result};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::resource_list::{ListArguments, OneOrder};
use crate::identity::roles::Right;

/// Declares the query for events.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let events = fields.read(
        "events",
        "The whole history of the organization in the order of the log, oldest first. With a filter that names no \
         resource, a page looks at 10,000 events at most: if few pass the filter, it has fewer items than are wanted, even \
         none, and `hasNextPage` is true. Not every role may read the history.",
        events,
    );
    events.needs(Right::History).is_read();
}

async fn events(
    context: Context,
    arguments: ListArguments<EventFilter, OneOrder>,
) -> Result<Connection<Event>> {
    let page = arguments
        .page
        .page(&context, ByPosition, Direction::Ascending)?;
    let filter = arguments.filter.try_into()?;
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    let slice = reader.history(org, &filter, &page).await;
    let slice = slice.map_err(error::read_failed)?;
    Ok(Connection { slice, extra: () })
}
