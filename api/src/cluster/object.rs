//! `Cluster`.

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

/// A group of droplets. It stays readable when it is deleted.
#[Object]
impl Cluster {
    /// Its id, which never changes.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::of(self.0.id)
    }

    /// Its name, unique among the organization's living clusters. After its end, the last one.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// What it is doing.
    async fn status(&self) -> ClusterStatus {
        self.0.status.into()
    }

    /// What it is for; possibly nothing.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// The fewest live droplets that it is meant to have.
    async fn minimum_nodes(&self) -> u32 {
        self.0.minimum_nodes
    }

    /// The most live droplets that it may have.
    async fn maximum_nodes(&self) -> u32 {
        self.0.maximum_nodes
    }

    /// How many events happened to it: grows with every change.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version.0)
    }

    /// When it was created.
    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// When it changed last.
    async fn updated_at(&self) -> Time {
        self.0.updated_at.into()
    }

    /// When the platform recorded its last change; differs from `updatedAt` where an agent reported
    /// something that happened earlier.
    async fn recorded_at(&self) -> Time {
        self.0.recorded_at.into()
    }
}
