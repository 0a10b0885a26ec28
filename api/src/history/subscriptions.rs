//! The subscription to all events.

use std::sync::Arc;

use async_graphql::InputObject;
use futures_util::stream::BoxStream;
use projections::changes::{Selection, Streams};

use super::change::{Change, changes};
use crate::graph::error::Result;
use crate::graph::event_type::EventType;
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::filter::stored_types;
use crate::graph::following::Following;
use crate::graph::snapshot::AnySnapshot;
use crate::identity::roles::Right;

/// Declares the subscription to all events.
pub(crate) fn subscriptions<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let recorded = fields.stream(
        "eventRecorded",
        "Sends all events. Not every role may follow the history.",
        event_recorded,
    );
    recorded.needs(Right::History);
}

#[derive(InputObject)]
struct EventRecordedArguments {
    /// The event types to include; all if omitted, and none if empty.
    types: Option<Vec<EventType>>,
    #[graphql(flatten)]
    following: Following,
}

impl ArgumentStruct for EventRecordedArguments {}

async fn event_recorded(
    context: Context,
    wanted: EventRecordedArguments,
) -> Result<BoxStream<'static, Result<Change<AnySnapshot>>>> {
    let selection = Selection {
        streams: Streams::All,
        event_types: stored_types(wanted.types),
    };
    let schema = Arc::clone(context.schema());
    let take = move |change: projections::changes::Change| {
        let state = change.node.as_ref();
        let state = state.and_then(|row| AnySnapshot::of(&schema, row));
        Some(Change::of(change, state))
    };
    changes(&context, &wanted.following, selection, take).await
}
