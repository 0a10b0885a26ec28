//! The changes that subscriptions to one kind of resource send.

use std::borrow::Cow;
use std::sync::Arc;

use domain::stream_type::StreamType;
use futures_util::stream::BoxStream;
use projections::changes::Followed;
use projections::model::LiveRow;
use projections::page::{Position, log_cursor};

use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::following::{Following, follow};
use crate::graph::global_id::ResourceId;
use crate::graph::resource::Resource;
use crate::graph::snapshot::Snapshot;
use crate::history::Event;

/// A change of a resource.
pub(crate) struct ResourceChange<R> {
    cursor: String,
    event: Option<Event>,
    state: Option<Snapshot<R>>,
}

impl<R> ResourceChange<R> {
    fn bookmark(position: Position) -> Self {
        Self {
            cursor: log_cursor(position),
            event: None,
            state: None,
        }
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
            R::NOUN,
            "The state as of this event, regardless of later events. Null in a bookmark, or if the platform \
             cannot read the history of the resource.",
            |change| &change.state,
        );
    }
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
    let id = id.map(|id| {
        let stream: projections::history::StreamId = id.into();
        stream.uuid
    });
    let take = move |followed: Followed| {
        let change = match followed {
            Followed::Change(change) => change,
            Followed::Bookmark(position) => return Some(ResourceChange::bookmark(position)),
        };
        let stream = change.event.event.stream;
        if stream.stream_type != stream_type || id.is_some_and(|id| id != stream.uuid) {
            return None;
        }
        let row: Option<Arc<R>> = change.node.as_ref().and_then(LiveRow::row);
        row.as_deref()
            .is_none_or(&is_wanted)
            .then(|| ResourceChange {
                cursor: log_cursor(change.position()),
                event: Some(Event(change.event)),
                state: row.map(Snapshot),
            })
    };
    follow(context, following, take).await
}
