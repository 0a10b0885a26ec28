//! The GraphQL interface `Node`: every object that has a global id.

use async_graphql::{Context, ID, Interface, Object, Result};
use projections::model::LiveRow;

use crate::graph::global_id::{GlobalId, InvalidId};
use crate::graph::guard::Needs;
use crate::graph::resource::{OfRow, Resource, RowOf};
use crate::identity::roles::Right;
use crate::registry::resources;

macro_rules! node {
    ($($(#[$description:meta])* $Name:ident in $folder:ident,)+) => {
        /// An object with an id by which `node` finds it.
        #[derive(Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "The id of the object, which never changes."))]
        pub(crate) enum Node {
            $($Name(crate::$folder::$Name),)+
        }

        impl OfRow for Node {
            fn of_row(row: &LiveRow) -> Option<Self> {
                $(
                    if let Some(row) = row.row::<RowOf<crate::$folder::$Name>>() {
                        return Some(Self::$Name(row.into()));
                    }
                )+
                None
            }
        }

        impl Node {
            /// Returns the object with this id, if the organization of the request has it.
            async fn find(context: &Context<'_>, id: GlobalId) -> Result<Option<Self>> {
                $(
                    if let Some(id) = id.typed() {
                        let found = crate::$folder::$Name::find(context, id, None).await?;
                        return Ok(found.map(Self::$Name));
                    }
                )+
                Ok(None)
            }
        }
    };
}

resources!(node);

/// The query for an object by its id.
#[derive(Debug, Default)]
pub(crate) struct NodeQueries;

#[Object]
impl NodeQueries {
    /// The object with this id; null if there is none. A consistency token belongs in the header
    /// `X-Consistency-Token`.
    // Relay's compiler accepts no `node` that has another argument than `id`.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of a resource.")] id: ID,
    ) -> Result<Option<Node>> {
        let id = GlobalId::parse(&id).map_err(InvalidId::into_error)?;
        Node::find(context, id).await
    }
}
