//! The subscription to all events.

use async_graphql::InputObject;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, future};
use projections::changes::Change;

use super::Event;
use crate::graph::error::Result;
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::filter::{allows, read_types};
use crate::graph::following::{cursor, follow};
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
    /// The event types to include, such as `droplet_activated`; all if omitted.
    types: Option<Vec<String>>,
    /// The cursor to continue after, or a mutation's `consistencyToken` to begin after its write.
    after: Option<String>,
}

impl ArgumentStruct for EventRecordedArguments {}

async fn event_recorded(
    context: Context,
    wanted: EventRecordedArguments,
) -> Result<BoxStream<'static, Result<EventChange>>> {
    let types = read_types("types", wanted.types)?;
    let changes = follow(&context, wanted.after.as_deref()).await?;
    let take = move |change: Change| {
        let is_wanted = allows(types.as_deref(), &change.event.event.event_type);
        is_wanted.then(|| EventChange::of(&context, change))
    };
    let changes = changes.filter_map(move |change| future::ready(change.map(&take).transpose()));
    Ok(changes.boxed())
}

/// A change of a resource of any kind.
struct EventChange {
    cursor: String,
    event: Event,
    state: Option<AnySnapshot>,
}

impl EventChange {
    fn of(context: &Context, change: Change) -> Self {
        let state = change.node.as_ref();
        Self {
            cursor: cursor(&change),
            state: state.and_then(|row| AnySnapshot::of(context.schema(), row)),
            event: Event(change.event),
        }
    }
}

impl Object for EventChange {
    const NAME: &'static str = "EventChange";
    const DESCRIPTION: &'static str = "A change of a resource.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text(
            "cursor",
            "The cursor of the change. A subscription `after` this cursor continues without loss or \
             repetition.",
            |change| &change.cursor,
        );
        fields.part("event", "The event of the change.", |change| &change.event);
        fields.part(
            "resource",
            "The resource as of this event, regardless of later events. Null if the platform cannot read \
             the history of the resource.",
            |change| &change.state,
        );
    }
}
