//! The row of a cluster.

use chrono::{DateTime, Utc};
use domain::cluster::ClusterStatus;
use domain::ids::{ClusterId, OrgId};
use domain::name::ClusterName;
use event_store::envelope::Version;
use serde::{Deserialize, Serialize};

use crate::model::{Cells, FromCells, StreamRow};

/// A cluster. Its fields are the columns of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRow {
    /// The id of the cluster.
    pub id: ClusterId,
    /// The organization that owns the cluster.
    #[serde(rename = "org_id")]
    pub org: OrgId,
    /// The name of the cluster; after its end, the last one.
    pub name: ClusterName,
    /// The status of the cluster.
    pub status: ClusterStatus,
    /// The purpose of the cluster; possibly empty.
    pub description: String,
    /// The fewest live droplets that the cluster is meant to have.
    pub minimum_nodes: u32,
    /// The most live droplets that the cluster may have.
    pub maximum_nodes: u32,
    /// The version of the cluster's stream that this row shows.
    pub version: Version,
    /// The business time of the creation.
    pub created_at: DateTime<Utc>,
    /// The business time of the last event.
    pub updated_at: DateTime<Utc>,
    /// The time at which the platform recorded the last event.
    pub recorded_at: DateTime<Utc>,
}

impl StreamRow for ClusterRow {
    fn version(&self) -> Version {
        self.version
    }

    fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }
}

impl FromCells for ClusterRow {
    fn from_cells(cells: &mut Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: cells.uuid()?,
            org: cells.text("unread")?,
            name: cells.text("unread")?,
            status: cells.text("ACTIVE")?,
            description: cells.text("unread")?,
            minimum_nodes: cells.number()?,
            maximum_nodes: cells.number()?,
            version: cells.number()?,
            created_at: cells.time()?,
            updated_at: cells.time()?,
            recorded_at: cells.time()?,
        })
    }
}
