//! The field of the root of subscriptions about droplets.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::ids::{ClusterId, DropletId};
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
    /// Sends the changes of droplets. Filters apply to the droplet as of each event.
    #[graphql(guard = "Needs(Right::Subscribe)")]
    async fn droplet_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the only droplet to follow.")] id: Option<ID>,
        #[graphql(desc = "The id of the cluster whose droplets to follow.")] cluster: Option<ID>,
        #[graphql(desc = "The statuses of the droplets to include.")] statuses: Option<
            Vec<DropletStatus>,
        >,
        #[graphql(desc = "The tags that the droplets carry, all of them.")] tags: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "The cursor to continue after, or a mutation's `consistencyToken` to begin after its write."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<DropletChange>> + use<>> {
        let id = id.map(|id| GlobalId::parse_as(&id)).transpose();
        let cluster = cluster.map(|id| GlobalId::parse_as(&id)).transpose();
        let wanted = WantedDroplets {
            id: read("id", id)?,
            cluster: read("cluster", cluster)?,
            statuses: statuses.unwrap_or_default(),
            tags: read_all("tags", tags, Tag::parse)?
                .into_iter()
                .flatten()
                .collect(),
        };
        let changes = follow(context, after.as_deref()).await?;
        Ok(changes.filter_map(move |change| {
            let droplet = change.map(|change| wanted.take(change)).transpose();
            future::ready(droplet)
        }))
    }
}

/// A change of a droplet.
#[derive(SimpleObject)]
pub(crate) struct DropletChange {
    /// The cursor of the change. A subscription `after` this cursor continues without loss or repetition.
    cursor: String,
    /// The event of the change.
    event: Event,
    /// The droplet as of this event, regardless of later events. Null if the platform cannot read the
    /// droplet's history.
    droplet: Option<Droplet>,
}

impl DropletChange {
    /// Returns the change with the droplet that is its node.
    pub(crate) fn new(change: Change, droplet: Option<Droplet>) -> Self {
        Self {
            cursor: cursor(&change),
            event: Event(change.event),
            droplet,
        }
    }
}

/// The filter of a subscription to droplets.
struct WantedDroplets {
    id: Option<DropletId>,
    cluster: Option<ClusterId>,
    statuses: Vec<DropletStatus>,
    tags: BTreeSet<Tag>,
}

impl WantedDroplets {
    /// Returns the change if it matches. A droplet whose history cannot be read matches any statuses and
    /// tags.
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
                && self
                    .cluster
                    .is_none_or(|cluster| row.cluster == Some(cluster))
        });
        is_wanted.then(|| DropletChange::new(change, row.map(Droplet)))
    }
}
