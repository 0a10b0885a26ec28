//! The query for activity.

use projections::activity::ActivityRow;
use projections::page::{ByPosition, Direction};

use super::filter::ActivityFilter;
use crate::graph::connection::Connection;
use crate::graph::consistency;
use crate::graph::error::{self, Result};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::resource_list::{ListArguments, OneOrder};
use crate::identity::roles::Right;

/// Declares the query for activity.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let activity = fields.read(
        "activity",
        "The activity log, one line for each event, newest first. With a filter that names no resource, a page looks at \
         10,000 lines at most: if few pass the filter, it has fewer items than are wanted, even none, and `hasNextPage` is \
         true.",
        activity,
    );
    activity
        .needs(Right::Query)
        .is_read()
        .shows(&projections::activity::Activity);
}

async fn activity(
    context: Context,
    arguments: ListArguments<ActivityFilter, OneOrder>,
) -> Result<Connection<ActivityRow>> {
    let page = arguments
        .page
        .page(&context, ByPosition, Direction::Descending)?;
    let filter = arguments.filter.try_into()?;
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    let slice = reader.activity(org, &filter, &page).await;
    let slice = slice.map_err(error::read_failed)?;
    Ok(Connection { slice, extra: () })
}
