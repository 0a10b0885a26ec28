//! The GraphQL type `ClusterPayload`: the result of mutations about clusters.

use async_graphql::{Context, MergedObject, Object, Result};
use uuid::Uuid;

use super::Cluster;
use crate::graph::payload::Outcome;
use crate::graph::resource_list::written;

/// The result of a mutation about a cluster.
#[derive(MergedObject)]
pub(crate) struct ClusterPayload(WrittenCluster, Outcome);

impl From<Outcome> for ClusterPayload {
    fn from(outcome: Outcome) -> Self {
        Self(WrittenCluster(outcome.subject()), outcome)
    }
}

/// The cluster that a mutation wrote, if any.
struct WrittenCluster(Option<Uuid>);

#[Object]
impl WrittenCluster {
    /// The cluster after this mutation or a later one, which always includes the write. Null if the
    /// mutation was rejected.
    async fn cluster(&self, context: &Context<'_>) -> Result<Option<Cluster>> {
        written(context, self.0).await
    }
}
