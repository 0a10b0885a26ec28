//! The changes that subscriptions send.

use std::borrow::Cow;
use std::sync::Arc;

use domain::stream_type::StreamType;
use futures_util::stream::BoxStream;
use projections::changes::{self, Followed, Selection, Streams};
use projections::history::StreamId;
use projections::model::LiveRow;
use projections::page::log_cursor;

use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::Output;
use crate::graph::following::{Following, follow};
use crate::graph::global_id::ResourceId;
use crate::graph::resource::Resource;
use crate::graph::snapshot::{AnySnapshot, Snapshot};
use crate::history::Event;

/// A change of a resource, with the state of the resource as of the event.
pub(crate) struct Change<State> {
    cursor: String,
    event: Option<Arc<Event>>,
    state: Option<State>,
}

/// A change of a resource of one kind.
pub(crate) type ResourceChange<R> = Change<Snapshot<R>>;

impl<State> Change<State> {
    /// Returns a change with this state.
    pub(super) fn of(change: changes::Change, state: Option<State>) -> Self {
        Self {
            cursor: log_cursor(change.cursor()),
            event: Some(change.event),
            state,
        }
    }
}

impl<State: Output + 'static> Change<State> {
    fn declare(fields: &mut Fields<'_, Self>, state: &'static str, description: &str) {
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
        fields.part(state, description, |change| &change.state);
    }
}

impl<R: Resource> Object for ResourceChange<R> {
    fn name() -> Cow<'static, str> {
        format!("{}Change", R::NAME).into()
    }

    fn description() -> Cow<'static, str> {
        format!("A change of a {}.", R::NOUN).into()
    }

    fn fields(fields: &mut Fields<'_, Self>) {
        Self::declare(
            fields,
            R::NOUN,
            "The state as of this event, regardless of later events. Null in a bookmark, or if the platform \
             cannot read the history of the resource.",
        );
    }
}

impl Object for Change<AnySnapshot> {
    const NAME: &'static str = "EventChange";
    const DESCRIPTION: &'static str = "A change of a resource.";

    fn fields(fields: &mut Fields<'_, Self>) {
        Self::declare(
            fields,
            "resource",
            "The resource as of this event, regardless of later events. Null in a bookmark, or if the platform \
             cannot read the history of the resource.",
        );
    }
}

/// Returns the selected changes that `take` takes, and bookmarks if they are wanted.
///
/// # Errors
/// The errors of [`follow`].
pub(super) async fn changes<State: Send + 'static>(
    context: &Context,
    following: &Following,
    selection: Selection,
    take: impl Fn(changes::Change) -> Option<Change<State>> + Send + 'static,
) -> Result<BoxStream<'static, Result<Change<State>>>> {
    let take = move |followed: Followed| match followed {
        Followed::Change(change) => take(change),
        Followed::Bookmark(cursor) => Some(Change {
            cursor: log_cursor(cursor),
            event: None,
            state: None,
        }),
    };
    follow(context, following, selection, take).await
}

/// Returns the changes of one kind of resource, after a cursor. `is_wanted` decides by the state as of the
/// event; a resource whose history cannot be read is always wanted.
///
/// # Errors
/// The errors of [`follow`].
pub(crate) async fn changes_of<R: Resource>(
    context: &Context,
    following: &Following,
    id: Option<R::Id>,
    is_wanted: impl Fn(&R) -> bool + Send + 'static,
) -> Result<BoxStream<'static, Result<ResourceChange<R>>>> {
    let stream_type = StreamType::from(R::Id::resource_type());
    let one = |id: R::Id| {
        let uuid = id.uuid();
        Streams::One(StreamId { stream_type, uuid })
    };
    let selection = Selection {
        streams: id.map_or(Streams::OfType(stream_type), one),
        event_types: None,
    };
    let take = move |change: changes::Change| {
        let row: Option<Arc<R>> = change.node.as_ref().and_then(LiveRow::row);
        let is_wanted = row.as_deref().is_none_or(&is_wanted);
        is_wanted.then(|| Change::of(change, row.map(Snapshot)))
    };
    changes(context, following, selection, take).await
}
