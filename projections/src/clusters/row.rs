//! The row of a cluster.

use chrono::{DateTime, Utc};
use domain::cluster::ClusterStatus;
use domain::ids::{ClusterId, OrgId};
use domain::name::ClusterName;
use event_store::envelope::Version;
use serde::{Deserialize, Serialize};

use crate::model::StreamRow;

/// A cluster. Its fields are the columns of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRow {
    /// Its id.
    pub id: ClusterId,
    /// The organization that owns it.
    #[serde(rename = "org_id")]
    pub org: OrgId,
    /// Its name; after its end the one that it had last.
    pub name: ClusterName,
    /// What it is doing.
    pub status: ClusterStatus,
    /// What it is for; possibly nothing.
    pub description: String,
    /// The fewest live droplets that it is meant to have.
    pub minimum_nodes: u32,
    /// The most live droplets that it may have.
    pub maximum_nodes: u32,
    /// The version of its stream that this row shows.
    pub version: Version,
    /// Business time of its creation.
    pub created_at: DateTime<Utc>,
    /// Business time of its last event.
    pub updated_at: DateTime<Utc>,
    /// Our time of its last event.
    pub recorded_at: DateTime<Utc>,
}

impl StreamRow for ClusterRow {
    fn version(&self) -> Version {
        self.version
    }
}
