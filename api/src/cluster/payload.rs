//! The GraphQL type `ClusterPayload`: the result of mutations about clusters.

use async_graphql::{Context, MergedObject, Object, Result};
use domain::ids::ClusterId;
use projections::clusters::Clusters;
use uuid::Uuid;

use super::Cluster;
use crate::graph::error;
use crate::graph::payload::Outcome;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

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
        let Some(id) = self.0 else {
            return Ok(None);
        };
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let row = reader
            .live_state::<Clusters>(org, ClusterId::new(id).into())
            .await;
        Ok(row.map_err(error::read_failed)?.map(Cluster::from))
    }
}
