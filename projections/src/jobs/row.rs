//! The row of a job.

use chrono::{DateTime, Utc};
use domain::ids::{DropletId, JobId, OrgId};
use domain::job::{JobStatus, Runner};
use domain::name::{ClusterName, JobKind, WorkerName};
use event_store::envelope::Version;
use serde::{Deserialize, Serialize};

use crate::model::{Cells, FromCells, JsonText, StreamRow};

/// A job. Its fields are the columns of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// The id of the job.
    pub id: JobId,
    /// The organization that owns the job.
    #[serde(rename = "org_id")]
    pub org: OrgId,
    /// The kind of work.
    pub kind: JobKind,
    /// The status of the job.
    pub status: JobStatus,
    /// The droplet that the job concerns, unless it concerns a cluster.
    pub droplet_id: Option<DropletId>,
    /// The cluster that the job concerns, unless it concerns a droplet.
    pub cluster: Option<ClusterName>,
    /// The runner, which does the job.
    pub runner: Runner,
    /// The number of times that the job may be tried.
    pub attempts: u8,
    /// The further parameters that the runner needs, an object; `null` if they were not read.
    pub parameters: JsonText,
    /// The worker that runs the job or ran it, once it was started.
    pub worker: Option<WorkerName>,
    /// The progress in percent, from 0 to 100. Only success says that the job is complete.
    pub percent: u8,
    /// The last message of the runner.
    pub message: Option<String>,
    /// The result of the job, if it has one and it was read.
    pub result: Option<JsonText>,
    /// The reason of the failure or cancellation, for people.
    pub reason: Option<String>,
    /// The version of the job's stream that this row shows.
    pub version: Version,
    /// The business time of the submission.
    pub created_at: DateTime<Utc>,
    /// The business time of the start.
    pub started_at: Option<DateTime<Utc>>,
    /// The business time of the end.
    pub finished_at: Option<DateTime<Utc>>,
    /// The business time of the last event.
    pub updated_at: DateTime<Utc>,
    /// The time at which the platform recorded the last event.
    pub recorded_at: DateTime<Utc>,
}

impl StreamRow for JobRow {
    fn version(&self) -> Version {
        self.version
    }

    fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }
}

impl FromCells for JobRow {
    fn from_cells(cells: &mut Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: cells.uuid()?,
            org: cells.text("unread")?,
            kind: cells.text("unread")?,
            status: cells.text("SUBMITTED")?,
            droplet_id: cells.optional(Cells::uuid)?,
            cluster: cells.optional(|cells| cells.text("unread"))?,
            runner: cells.text("PLATFORM")?,
            attempts: cells.number()?,
            parameters: cells.json_text()?,
            worker: cells.optional(|cells| cells.text("unread"))?,
            percent: cells.number()?,
            message: cells.optional(|cells| cells.text("unread"))?,
            result: cells.optional(Cells::json_text)?,
            reason: cells.optional(|cells| cells.text("unread"))?,
            version: cells.number()?,
            created_at: cells.time()?,
            started_at: cells.optional(Cells::time)?,
            finished_at: cells.optional(Cells::time)?,
            updated_at: cells.time()?,
            recorded_at: cells.time()?,
        })
    }
}
