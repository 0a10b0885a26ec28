//! The GraphQL type `Cluster`.

use std::sync::Arc;

use async_graphql::{ID, Object};
use projections::clusters::row::ClusterRow;

use super::status::ClusterStatus;
use crate::graph::global_id::GlobalId;
use crate::graph::scalars::{BigInt, Time};

/// A cluster.
#[derive(Clone)]
pub(crate) struct Cluster(pub(crate) Arc<ClusterRow>);

impl From<Arc<ClusterRow>> for Cluster {
    fn from(row: Arc<ClusterRow>) -> Self {
        Self(row)
    }
}

impl From<ClusterRow> for Cluster {
    fn from(row: ClusterRow) -> Self {
        Self(Arc::new(row))
    }
}

/// A group of droplets. A deleted cluster stays readable.
#[Object]
impl Cluster {
    /// The id of the cluster, which never changes.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::of(self.0.id)
    }

    /// The name of the cluster, unique among the organization's living clusters. A deleted cluster keeps
    /// its last name.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// The status of the cluster.
    async fn status(&self) -> ClusterStatus {
        self.0.status.into()
    }

    /// The purpose of the cluster; possibly empty.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// The minimum number of live droplets that the cluster is meant to have.
    async fn minimum_nodes(&self) -> u32 {
        self.0.minimum_nodes
    }

    /// The maximum number of live droplets that the cluster may have.
    async fn maximum_nodes(&self) -> u32 {
        self.0.maximum_nodes
    }

    /// The number of the cluster's events, which grows with every change.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version.0)
    }

    /// The time of the cluster's creation.
    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// The time of the last change.
    async fn updated_at(&self) -> Time {
        self.0.updated_at.into()
    }

    /// The time at which the platform recorded the last change. Differs from `updatedAt` if an agent
    /// reported an earlier event.
    async fn recorded_at(&self) -> Time {
        self.0.recorded_at.into()
    }
}
