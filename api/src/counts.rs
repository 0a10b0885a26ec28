//! The query `counts`: the numbers of resources of an organization.

use async_graphql::InputObject;
use projections::counts::query::OrgCounts;
use projections::registry::COUNTS;

use crate::graph::consistency;
use crate::graph::error::{self, Result};
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::resource::Resource;
use crate::identity::roles::Right;
use crate::registry::resources;

macro_rules! counts {
    ($($(#[$description:meta])* $Name:ident as $Row:ident in $folder:ident,)+) => {
        impl Object for OrgCounts {
            const NAME: &'static str = "Counts";
            const DESCRIPTION: &'static str = "The numbers of resources of the organization.";

            fn fields(fields: &mut Fields<'_, Self>) {
                $(crate::$folder::$Row::counts(fields);)+
            }
        }
    };
}

resources!(counts);

/// Declares the query for counts.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let counts = fields.read(
        "counts",
        "The numbers of resources of the organization.",
        counts,
    );
    counts.needs(Right::Query).is_read().shows(&COUNTS);
}

#[derive(InputObject)]
struct CountsArguments {
    /// The `consistencyToken` of a mutation, whose write the answer shows.
    consistent_with: Option<String>,
}

impl ArgumentStruct for CountsArguments {}

async fn counts(context: Context, arguments: CountsArguments) -> Result<OrgCounts> {
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    reader.counts(org).await.map_err(error::read_failed)
}
