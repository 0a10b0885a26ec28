//! Clusters: what can be read of them, done to them, and followed.

mod batch;
mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod page;
mod payload;
mod queries;
mod status;
mod subscriptions;

pub(crate) use object::Cluster;

use async_graphql::{Context, Result};
use domain::ids::ClusterId;
use projections::clusters::Clusters;
use projections::clusters::row::ClusterRow;
use projections::model::Rows;

use self::counts::ClusterCounts;
use self::mutations::ClusterMutations;
use self::queries::ClusterQueries;
use self::subscriptions::ClusterSubscriptions;
use crate::graph::resource::Resource;
use crate::graph::{consistency, error};

impl Resource for Cluster {
    type Row = ClusterRow;
    type Id = ClusterId;
    type Queries = ClusterQueries;
    type Mutations = ClusterMutations;
    type Subscriptions = ClusterSubscriptions;
    type Counts = ClusterCounts;

    async fn find(
        context: &Context<'_>,
        id: ClusterId,
        consistent_with: Option<String>,
    ) -> Result<Option<Self>> {
        let (reader, org) =
            consistency::reader(context, consistent_with, &[&Rows(Clusters)]).await?;
        let row = reader.cluster(org, id).await.map_err(error::read_failed)?;
        Ok(row.map(Self::from))
    }
}
