//! The field of the root of subscriptions about clusters.

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::ids::ClusterId;
use domain::stream_type::StreamType;
use futures_util::{Stream, StreamExt, future};
use projections::changes::Change;
use projections::clusters::row::ClusterRow;
use projections::model::LiveRow;

use super::Cluster;
use super::status::ClusterStatus;
use crate::graph::filter::read;
use crate::graph::following::{cursor, follow};
use crate::graph::global_id::GlobalId;
use crate::graph::guard::Needs;
use crate::history::Event;
use crate::identity::roles::Right;

/// Subscriptions to clusters.
#[derive(Debug, Default)]
pub(crate) struct ClusterSubscriptions;

#[Subscription]
impl ClusterSubscriptions {
    /// Sends the changes of clusters. Filters apply to the cluster as of each event.
    #[graphql(guard = "Needs(Right::Subscribe)")]
    async fn cluster_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the only cluster to follow.")] id: Option<ID>,
        #[graphql(desc = "The statuses of the clusters to include.")] statuses: Option<
            Vec<ClusterStatus>,
        >,
        #[graphql(
            desc = "The cursor to continue after, or a mutation's `consistencyToken` to begin after its write."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ClusterChange>> + use<>> {
        let id = id.map(|id| GlobalId::parse_as(&id)).transpose();
        let wanted = WantedClusters {
            id: read("id", id)?,
            statuses: statuses.unwrap_or_default(),
        };
        let changes = follow(context, after.as_deref()).await?;
        Ok(changes.filter_map(move |change| {
            let cluster = change.map(|change| wanted.take(change)).transpose();
            future::ready(cluster)
        }))
    }
}

/// A change of a cluster.
#[derive(SimpleObject)]
pub(crate) struct ClusterChange {
    /// The cursor of the change. A subscription `after` this cursor continues without loss or repetition.
    cursor: String,
    /// The event of the change.
    event: Event,
    /// The cluster as of this event, regardless of later events. Null if the platform cannot read the
    /// cluster's history.
    cluster: Option<Cluster>,
}

/// The filter of a subscription to clusters.
struct WantedClusters {
    id: Option<ClusterId>,
    statuses: Vec<ClusterStatus>,
}

impl WantedClusters {
    /// Returns the change if it matches. A cluster whose history cannot be read matches any statuses.
    fn take(&self, change: Change) -> Option<ClusterChange> {
        let stream = change.event.event.stream;
        if stream.stream_type != StreamType::CLUSTER
            || self.id.is_some_and(|id| id.as_uuid() != stream.uuid)
        {
            return None;
        }
        let row = change.node.as_ref().and_then(LiveRow::row::<ClusterRow>);
        let is_wanted = row.as_ref().is_none_or(|row| {
            self.statuses.is_empty() || self.statuses.contains(&row.status.into())
        });
        is_wanted.then(|| ClusterChange {
            cursor: cursor(&change),
            event: Event(change.event),
            cluster: row.map(Cluster),
        })
    }
}
