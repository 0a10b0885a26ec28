//! Jobs as they are now: the table `read_v1.jobs`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{DropletId, JobId, OrgId};
use domain::job::{JobStatus, Runner};
use domain::name::{ClusterName, JobKind, WorkerName};
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::envelope::{Positioned, Recorded, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::fold;

mod row;

pub mod query;

/// A job: a row of `read_v1.jobs`, whose columns are these fields.
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

/// The projection that writes `read_v1.jobs`.
#[derive(Debug, Clone, Copy)]
pub struct Jobs;

#[async_trait]
impl Consumer for Jobs {
    fn name(&self) -> &'static str {
        "jobs"
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::JOB]
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        let mut rows = load(transaction, &fold::streams(events)).await?;
        for Positioned { event, .. } in events {
            let id = event.stream.uuid;
            let row = JobRow::fold(rows.remove(&id), event)?;
            rows.insert(id, row);
        }
        store(transaction, rows.into_values().collect()).await
    }
}

async fn load(
    transaction: &mut PgConnection,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, JobRow>, ApplyError> {
    let rows: Vec<Json<JobRow>> =
        sqlx::query_scalar("select to_json(j) from jobs j where j.id = any($1)")
            .bind(ids)
            .fetch_all(transaction)
            .await?;
    let rows = rows.into_iter().map(|Json(row)| (row.id.as_uuid(), row));
    Ok(rows.collect())
}

/// Writes the rows in one statement, in id order, so that two workers cannot deadlock.
async fn store(transaction: &mut PgConnection, rows: Vec<JobRow>) -> Result<(), ApplyError> {
    sqlx::query(include_str!("jobs/store.sql"))
        .bind(Json(rows))
        .execute(transaction)
        .await?;
    Ok(())
}
