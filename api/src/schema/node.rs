//! `Node`: whatever has a global id.

use async_graphql::{Context, ID, Interface, Object, Result};
use projections::model::LiveRow;

use crate::graph::global_id::{GlobalId, InvalidId};
use crate::graph::guard::Needs;
use crate::graph::resource::{OfRow, Resource, RowOf};
use crate::identity::roles::Right;
use crate::registry::resources;

macro_rules! node {
    ($($(#[$description:meta])* $Name:ident in $folder:ident,)+) => {
        /// Something with an id by which `node` finds it again.
        #[derive(Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "Its id, which never changes."))]
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
            /// Whatever has this id, if the organization of the request has it.
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

/// The query for whatever has an id.
#[derive(Debug, Default)]
pub(crate) struct NodeQueries;

#[Object]
impl NodeQueries {
    /// Whatever has this id; null if there is nothing. A consistency token goes into the header
    /// `X-Consistency-Token`.
    // Relay's compiler takes no `node` that has another argument than `id`.
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
