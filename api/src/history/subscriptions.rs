//! The field of the root of subscriptions about everything that happens.

use std::marker::PhantomData;

use async_graphql::{Context, OutputType, Result, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt, future};
use projections::changes::Change;

use super::Event;
use crate::graph::filter::read_types;
use crate::graph::following::{cursor, follow};
use crate::graph::guard::Needs;
use crate::graph::resource::OfRow;
use crate::identity::roles::Right;

/// Subscriptions to everything that happens, with nodes of the type that the schema gives them.
pub(crate) struct HistorySubscriptions<Node>(PhantomData<fn() -> Node>);

impl<Node> Default for HistorySubscriptions<Node> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[Subscription]
impl<Node: OutputType + OfRow + 'static> HistorySubscriptions<Node> {
    /// Everything that happens. Not every role may follow it.
    #[graphql(guard = "Needs(Right::History)")]
    async fn event_recorded(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only events of these types, such as `droplet_activated`.")] types: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "The cursor from which to go on, or a mutation's `consistencyToken` to begin right after it."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<EventChange<Node>>> + use<Node>> {
        let types = read_types("types", types)?;
        let changes = follow(context, after.as_deref()).await?;
        let is_wanted = move |change: &Change| {
            types.is_empty() || types.contains(&change.event.event.event_type)
        };
        Ok(changes.filter_map(move |change| {
            let change = change.map(|change| is_wanted(&change).then(|| change.into()));
            future::ready(change.transpose())
        }))
    }
}

/// Something that happened to a resource.
#[derive(SimpleObject)]
pub(crate) struct EventChange<Node: OutputType> {
    /// Where it stands: subscribe again `after` it to go on without loss or repetition.
    cursor: String,
    /// What happened.
    event: Event,
    /// The resource as of this event, whatever happened since. Null when the platform cannot
    /// read its history.
    node: Option<Node>,
}

impl<Node: OutputType + OfRow> From<Change> for EventChange<Node> {
    fn from(change: Change) -> Self {
        Self {
            cursor: cursor(&change),
            event: Event(change.event),
            node: change.node.as_ref().and_then(Node::of_row),
        }
    }
}
