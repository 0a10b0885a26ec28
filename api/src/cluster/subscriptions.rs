//! The field of the root of subscriptions about clusters.

use async_graphql::{ID, InputObject};
use futures_util::stream::BoxStream;

use super::ClusterRow;
use super::status::ClusterStatus;
use crate::graph::error::Result;
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::filter::{allows, read};
use crate::graph::following::Following;
use crate::graph::global_id::GlobalId;
use crate::history::change::{ResourceChange, changes_of};
use crate::identity::roles::Right;

/// Declares the subscription to clusters.
pub(super) fn subscriptions<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let changed = fields.stream(
        "clusterChanged",
        "Sends the changes of clusters. Filters apply to the cluster as of each event.",
        cluster_changed,
    );
    changed.needs(Right::Subscribe);
}

#[derive(InputObject)]
struct ClusterChangedArguments {
    /// The id of the only cluster to follow.
    id: Option<ID>,
    /// The statuses of the clusters to include; all if omitted, and none if empty.
    statuses: Option<Vec<ClusterStatus>>,
    #[graphql(flatten)]
    following: Following,
}

impl ArgumentStruct for ClusterChangedArguments {}

async fn cluster_changed(
    context: Context,
    wanted: ClusterChangedArguments,
) -> Result<BoxStream<'static, Result<ResourceChange<ClusterRow>>>> {
    let id = wanted.id.map(|id| GlobalId::parse_as(&id)).transpose();
    let id = read("id", id)?;
    let statuses = wanted.statuses;
    let is_wanted = move |cluster: &ClusterRow| allows(statuses.as_deref(), &cluster.status.into());
    changes_of(&context, &wanted.following, id, is_wanted).await
}
