//! The field of the root of subscriptions about all events.

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

/// Subscriptions to all events, with nodes of the type that the schema supplies.
pub(crate) struct HistorySubscriptions<Node>(PhantomData<fn() -> Node>);

impl<Node> Default for HistorySubscriptions<Node> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[Subscription]
impl<Node: OutputType + OfRow + 'static> HistorySubscriptions<Node> {
    /// Sends all events. Not every role may follow the history.
    #[graphql(guard = "Needs(Right::History)")]
    async fn event_recorded(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The event types to include, such as `droplet_activated`.")] types: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "The cursor to continue after, or a mutation's `consistencyToken` to begin after its write."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<EventChange<Node>>> + use<Node>> {
        let types = read_types("types", types)?.unwrap_or_default();
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

/// A change of a resource.
#[derive(SimpleObject)]
pub(crate) struct EventChange<Node: OutputType> {
    /// The cursor of the change. A subscription `after` this cursor continues without loss or repetition.
    cursor: String,
    /// The event of the change.
    event: Event,
    /// The resource as of this event, regardless of later events. Null if the platform cannot read the
    /// resource's history.
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
