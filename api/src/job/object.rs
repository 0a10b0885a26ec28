//! The GraphQL type `Job`.

use std::sync::Arc;

use async_graphql::{Context, ID, Json, Object, Result};
use projections::jobs::row::JobRow;
use projections::model::JsonText;
use serde_json::Value;

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
    /// The id of the job, which never changes.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::of(self.0.id)
    }

    /// The kind of work, such as `provision` or `batch`.
    async fn kind(&self) -> &str {
        self.0.kind.as_str()
    }

    /// The status of the job.
    async fn status(&self) -> JobStatus {
        self.0.status.into()
    }

    /// The id of the droplet that the job concerns, unless the job concerns a cluster.
    async fn droplet_id(&self) -> Option<ID> {
        self.0.droplet_id.map(GlobalId::of)
    }

    /// The droplet that the job concerns, in its current state. Null if the job concerns a cluster.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn droplet(&self, context: &Context<'_>) -> Result<Option<Droplet>> {
        let Some(id) = self.0.droplet_id else {
            return Ok(None);
        };
        batch::by_id(context, id).await
    }

    /// The label of the cluster that the job concerns, unless the job concerns a droplet.
    async fn cluster_label(&self) -> Option<&str> {
        self.0.cluster.as_ref().map(|cluster| cluster.as_str())
    }

    /// The party that runs the job.
    async fn runner(&self) -> Runner {
        self.0.runner.into()
    }

    /// The maximum number of attempts.
    async fn max_attempts(&self) -> u8 {
        self.0.attempts
    }

    /// The additional data for the runner: an object.
    async fn parameters(&self) -> Json<Value> {
        tree(&self.0.parameters)
    }

    /// The worker that runs or ran the job. Null until the job is started.
    async fn worker(&self) -> Option<&str> {
        self.0.worker.as_ref().map(|worker| worker.as_str())
    }

    /// The finished share of the work in percent, from 0 to 100. Only the status says that the job has
    /// finished.
    async fn percent(&self) -> u8 {
        self.0.percent
    }

    /// The last message of the runner.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The result of the job, if the job succeeded with a result.
    async fn result(&self) -> Option<Json<Value>> {
        self.0.result.as_ref().map(tree)
    }

    /// The reason for the job's failure or cancellation.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The number of the job's events, which grows with every change.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version.0)
    }

    /// The time of the job's submission.
    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// The time of the job's start, if the job was started.
    async fn started_at(&self) -> Option<Time> {
        self.0.started_at.map(Time)
    }

    /// The time of the job's end, if the job has ended.
    async fn finished_at(&self) -> Option<Time> {
        self.0.finished_at.map(Time)
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

fn tree(text: &JsonText) -> Json<Value> {
    Json(serde_json::from_str(text.as_str()).expect("a JsonText is valid JSON"))
}
