//! The query for recorded commands.

use projections::page::Direction;
use projections::recorded_commands::{ByRecordedAt, RecordedCommand};

use super::filter::CommandFilter;
use crate::graph::connection::Connection;
use crate::graph::consistency;
use crate::graph::error::{self, Result};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::resource_list::{ListArguments, OneOrder};
use crate::identity::roles::Right;

/// Declares the query for recorded commands.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let commands = fields.read(
        "commands",
        "The commands of the organization, accepted or not, newest first. A page shows every command whose events \
         have positions up to its `asOf`. A page looks at 10,000 commands of the period at most: if few pass the filter, it \
         has fewer items than are wanted, even none, and `hasNextPage` is true. Not every role may read them.",
        commands,
    );
    commands.needs(Right::CommandRecords).is_read();
}

async fn commands(
    context: Context,
    arguments: ListArguments<CommandFilter, OneOrder>,
) -> Result<Connection<RecordedCommand>> {
    let page = arguments
        .page
        .page(&context, ByRecordedAt, Direction::Descending)?;
    let filter = arguments.filter.try_into()?;
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    let slice = reader.commands(org, &filter, &page).await;
    let slice = slice.map_err(error::read_failed)?;
    Ok(Connection { slice, extra: () })
}
