//! The field of the root of subscriptions about droplets.

use std::collections::BTreeSet;

use async_graphql::{ID, InputObject};
use domain::tag::Tag;
use futures_util::stream::BoxStream;

use super::DropletRow;
use super::status::DropletStatus;
use crate::graph::error::Result;
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::filter::{allows, read, read_all};
use crate::graph::following::Following;
use crate::graph::global_id::GlobalId;
use crate::history::change::{ResourceChange, changes_of};
use crate::identity::roles::Right;

/// Declares the subscription to droplets.
pub(super) fn subscriptions<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let changed = fields.stream(
        "dropletChanged",
        "Sends the changes of droplets. Filters apply to the droplet as of each event.",
        droplet_changed,
    );
    changed.needs(Right::Subscribe);
}

#[derive(InputObject)]
struct DropletChangedArguments {
    /// The id of the only droplet to follow.
    id: Option<ID>,
    /// The id of the cluster whose droplets to follow.
    cluster: Option<ID>,
    /// The statuses of the droplets to include; all if omitted, and none if empty.
    statuses: Option<Vec<DropletStatus>>,
    /// The tags that the droplets carry, all of them; any if empty.
    tags: Option<Vec<String>>,
    #[graphql(flatten)]
    following: Following,
}

impl ArgumentStruct for DropletChangedArguments {}

async fn droplet_changed(
    context: Context,
    wanted: DropletChangedArguments,
) -> Result<BoxStream<'static, Result<ResourceChange<DropletRow>>>> {
    let id = wanted.id.map(|id| GlobalId::parse_as(&id)).transpose();
    let cluster = wanted.cluster.map(|id| GlobalId::parse_as(&id)).transpose();
    let (id, cluster) = (read("id", id)?, read("cluster", cluster)?);
    let tags: BTreeSet<_> = read_all("tags", wanted.tags, Tag::parse)?
        .into_iter()
        .collect();
    let statuses = wanted.statuses;
    let is_wanted = move |droplet: &DropletRow| {
        allows(statuses.as_deref(), &droplet.status.into())
            && tags.is_subset(&droplet.tags)
            && cluster.is_none_or(|cluster| droplet.cluster == Some(cluster))
    };
    changes_of(&context, &wanted.following, id, is_wanted).await
}
