//! The subscription to all events.

use std::sync::Arc;

use async_graphql::InputObject;
use futures_util::stream::BoxStream;
use projections::changes::{Change, Followed};
use projections::page::log_cursor;

use super::Event;
use crate::graph::error::Result;
use crate::graph::event_type::EventType;
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::filter::{allows, stored_types};
use crate::graph::following::{Following, follow};
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
    /// The cursor to continue after, or a mutation's `consistencyToken` to begin after its write.
    after: Option<String>,
    /// True to get a bookmark when nothing else came for 10 s: a message with a newer cursor and no event.
    #[graphql(default)]
    bookmarks: bool,
}

impl ArgumentStruct for EventRecordedArguments {}

async fn event_recorded(
    context: Context,
    wanted: EventRecordedArguments,
) -> Result<BoxStream<'static, Result<EventChange>>> {
    let types = stored_types(wanted.types);
    let following = Following {
        after: wanted.after,
        bookmarks: wanted.bookmarks,
    };
    let schema = Arc::clone(context.schema());
    let take = move |followed: Followed| match followed {
        Followed::Change(change) => {
            let is_wanted = allows(types.as_deref(), &change.event.event.event_type);
            is_wanted.then(|| EventChange::of(&schema, change))
        }
        Followed::Bookmark(position) => Some(EventChange {
            cursor: log_cursor(position),
            event: None,
            state: None,
        }),
    };
    follow(&context, &following, take).await
}

/// A change of a resource of any kind.
struct EventChange {
    cursor: String,
    event: Option<Event>,
    state: Option<AnySnapshot>,
}

impl EventChange {
    fn of(schema: &ExecutableSchema, change: Change) -> Self {
        let state = change.node.as_ref();
        Self {
            cursor: log_cursor(change.position()),
            state: state.and_then(|row| AnySnapshot::of(schema, row)),
            event: Some(Event(change.event)),
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
        fields.part(
            "event",
            "The event of the change. Null in a bookmark.",
            |change| &change.event,
        );
        fields.part(
            "resource",
            "The resource as of this event, regardless of later events. Null in a bookmark, or if the platform \
             cannot read the history of the resource.",
            |change| &change.state,
        );
    }
}
