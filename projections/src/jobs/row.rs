//! The row of a job.

use chrono::{DateTime, Utc};
use domain::ids::{DropletId, JobId, OrgId};
use domain::job::{JobStatus, Runner};
use domain::name::{ClusterName, JobKind, WorkerName};
use event_store::envelope::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::StreamRow;

/// A job. Its fields are the columns of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// The organization that owns it.
    #[serde(rename = "org_id")]
    pub org: OrgId,
    /// The kind of work.
    pub kind: JobKind,
    /// What it is doing.
    pub status: JobStatus,
    /// The droplet it concerns, unless it concerns a cluster.
    pub droplet_id: Option<DropletId>,
    /// The cluster it concerns, unless it concerns a droplet.
    pub cluster: Option<ClusterName>,
    /// Who does it.
    pub runner: Runner,
    /// How often it may be tried.
    pub attempts: u8,
    /// What the runner needs to know besides.
    pub parameters: Map<String, Value>,
    /// Who runs it or ran it, once it was started.
    pub worker: Option<WorkerName>,
    /// How much is done, from 0 to 100. Only success says that all of it is.
    pub percent: u8,
    /// What the runner said last.
    pub message: Option<String>,
    /// What came of it.
    pub result: Option<Value>,
    /// Why it failed or was cancelled, for people.
    pub reason: Option<String>,
    /// The version of its stream that this row shows.
    pub version: Version,
    /// Business time of its submission.
    pub created_at: DateTime<Utc>,
    /// Business time of its start.
    pub started_at: Option<DateTime<Utc>>,
    /// Business time of its end.
    pub finished_at: Option<DateTime<Utc>>,
    /// Business time of its last event.
    pub updated_at: DateTime<Utc>,
    /// Our time of its last event.
    pub recorded_at: DateTime<Utc>,
}

impl StreamRow for JobRow {
    fn version(&self) -> Version {
        self.version
    }
}
