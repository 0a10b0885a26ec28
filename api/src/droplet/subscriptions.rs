//! The field of the root of subscriptions about droplets.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::ids::DropletId;
use domain::stream_type::StreamType;
use domain::tag::Tag;
use futures_util::{Stream, StreamExt, future};
use projections::changes::Change;
use projections::droplets::row::DropletRow;
use projections::model::LiveRow;

use super::Droplet;
use super::status::DropletStatus;
use crate::graph::filter::{read, read_all};
use crate::graph::following::{cursor, follow};
use crate::graph::global_id::GlobalId;
use crate::graph::guard::Needs;
use crate::history::Event;
use crate::identity::roles::Right;

/// Subscriptions to droplets.
#[derive(Debug, Default)]
pub(crate) struct DropletSubscriptions;

#[Subscription]
impl DropletSubscriptions {
    /// What happens to droplets. Filters look at the droplet as of each event.
    #[graphql(guard = "Needs(Right::Subscribe)")]
    async fn droplet_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only the droplet with this id.")] id: Option<ID>,
        #[graphql(desc = "Only when the droplet has one of these statuses.")] statuses: Option<
            Vec<DropletStatus>,
        >,
        #[graphql(desc = "Only when the droplet carries all of these tags.")] tags: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "The cursor from which to go on, or a mutation's `consistencyToken` to begin right after it."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<DropletChange>> + use<>> {
        let id = id.map(|id| GlobalId::parse_as(&id)).transpose();
        let wanted = WantedDroplets {
            id: read("id", id)?,
            statuses: statuses.unwrap_or_default(),
            tags: read_all("tags", tags, Tag::parse)?.into_iter().collect(),
        };
        let changes = follow(context, after.as_deref()).await?;
        Ok(changes.filter_map(move |change| {
            let droplet = change.map(|change| wanted.take(change)).transpose();
            future::ready(droplet)
        }))
    }
}

/// Something that happened to a droplet.
#[derive(SimpleObject)]
pub(crate) struct DropletChange {
    /// Where it stands: subscribe again `after` it to go on without loss or repetition.
    cursor: String,
    /// What happened.
    event: Event,
    /// The droplet as of this event, whatever happened since. Null when the platform cannot read
    /// its history.
    droplet: Option<Droplet>,
}

impl DropletChange {
    /// The change, with the droplet that is its node.
    pub(crate) fn new(change: Change, droplet: Option<Droplet>) -> Self {
        Self {
            cursor: cursor(&change),
            event: Event(change.event),
            droplet,
        }
    }
}

/// Which droplets a subscription is about.
struct WantedDroplets {
    id: Option<DropletId>,
    statuses: Vec<DropletStatus>,
    tags: BTreeSet<Tag>,
}

impl WantedDroplets {
    /// The change, if it is wanted. A droplet whose history cannot be read may be the wanted one.
    fn take(&self, change: Change) -> Option<DropletChange> {
        let stream = change.event.event.stream;
        if stream.stream_type != StreamType::DROPLET
            || self.id.is_some_and(|id| id.as_uuid() != stream.uuid)
        {
            return None;
        }
        let row = change.node.as_ref().and_then(LiveRow::row::<DropletRow>);
        let is_wanted = row.as_ref().is_none_or(|row| {
            (self.statuses.is_empty() || self.statuses.contains(&row.status.into()))
                && self.tags.is_subset(&row.tags)
        });
        is_wanted.then(|| DropletChange::new(change, row.map(Droplet)))
    }
}
