//! `Job`.

use std::sync::Arc;

use async_graphql::{Context, ID, Json, Object, Result};
use projections::jobs::row::JobRow;
use serde_json::{Map, Value};

use super::runner::Runner;
use super::status::JobStatus;
use crate::droplet::Droplet;
use crate::graph::batch;
use crate::graph::global_id::GlobalId;
use crate::graph::guard::Needs;
use crate::graph::scalars::{BigInt, Time};
use crate::identity::roles::Right;

/// A job.
#[derive(Clone)]
pub(crate) struct Job(pub(crate) Arc<JobRow>);

impl From<Arc<JobRow>> for Job {
    fn from(row: Arc<JobRow>) -> Self {
        Self(row)
    }
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self(Arc::new(row))
    }
}

/// A piece of work that concerns one droplet or one cluster.
#[Object]
impl Job {
    /// Its id, which never changes.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::of(self.0.id)
    }

    /// The kind of work, such as `provision` or `batch`.
    async fn kind(&self) -> &str {
        self.0.kind.as_str()
    }

    /// What it is doing.
    async fn status(&self) -> JobStatus {
        self.0.status.into()
    }

    /// The id of the droplet that it concerns, unless it concerns a cluster.
    async fn droplet_id(&self) -> Option<ID> {
        self.0.droplet_id.map(GlobalId::of)
    }

    /// The droplet that it concerns, as it is now; null when it concerns a cluster.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn droplet(&self, context: &Context<'_>) -> Result<Option<Droplet>> {
        let Some(id) = self.0.droplet_id else {
            return Ok(None);
        };
        batch::by_id(context, id).await
    }

    /// The label of the cluster that the job concerns, unless it concerns a droplet.
    async fn cluster_label(&self) -> Option<&str> {
        self.0.cluster.as_ref().map(|cluster| cluster.as_str())
    }

    /// Who does it.
    async fn runner(&self) -> Runner {
        self.0.runner.into()
    }

    /// How often it may be tried.
    async fn max_attempts(&self) -> u8 {
        self.0.attempts
    }

    /// What the runner needs to know besides: an object.
    async fn parameters(&self) -> Json<&Map<String, Value>> {
        Json(&self.0.parameters)
    }

    /// Who runs it or ran it, once it was started.
    async fn worker(&self) -> Option<&str> {
        self.0.worker.as_ref().map(|worker| worker.as_str())
    }

    /// How much is done, from 0 to 100. Only the status says that it is finished.
    async fn percent(&self) -> u8 {
        self.0.percent
    }

    /// What the runner said last.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// What came of it, if it succeeded with a result.
    async fn result(&self) -> Option<Json<&Value>> {
        self.0.result.as_ref().map(Json)
    }

    /// Why it failed or was cancelled.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// How many events happened to it: grows with every change.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version.0)
    }

    /// When it was submitted.
    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// When it was started, if it was.
    async fn started_at(&self) -> Option<Time> {
        self.0.started_at.map(Time)
    }

    /// When it came to its end, if it did.
    async fn finished_at(&self) -> Option<Time> {
        self.0.finished_at.map(Time)
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
