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
    /// What happens to clusters. Filters look at the cluster as of each event.
    #[graphql(guard = "Needs(Right::Subscribe)")]
    async fn cluster_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only the cluster with this id.")] id: Option<ID>,
        #[graphql(desc = "Only when the cluster has one of these statuses.")] statuses: Option<
            Vec<ClusterStatus>,
        >,
        #[graphql(
            desc = "The cursor from which to go on, or a mutation's `consistencyToken` to begin right after it."
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

/// Something that happened to a cluster.
#[derive(SimpleObject)]
pub(crate) struct ClusterChange {
    /// Where it stands: subscribe again `after` it to go on without loss or repetition.
    cursor: String,
    /// What happened.
    event: Event,
    /// The cluster as of this event, whatever happened since. Null when the platform cannot read
    /// its history.
    cluster: Option<Cluster>,
}

/// Which clusters a subscription is about.
struct WantedClusters {
    id: Option<ClusterId>,
    statuses: Vec<ClusterStatus>,
}

impl WantedClusters {
    /// The change, if it is wanted. A cluster whose history cannot be read may be the wanted one.
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
