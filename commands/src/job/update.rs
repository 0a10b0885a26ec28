//! Records a report of a job's runner, or cancels the job.

use domain::ids::JobId;
use domain::job::{Job, JobUpdate};
use event_store::envelope::StreamId;
use serde_json::{Value, json};

use super::ownership;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::{Commands, UseCase};
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};

impl Commands {
    /// Reports on a job, or cancels it.
    ///
    /// # Errors
    /// [`CommandError`]; `JOB_NOT_FOUND` also for jobs of other organizations.
    pub async fn job(
        &self,
        context: &Context,
        id: JobId,
        update: JobUpdate,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Update { id, update }).await
    }
}

struct Update {
    id: JobId,
    update: JobUpdate,
}

impl UseCase for Update {
    fn name(&self) -> &'static str {
        match self.update {
            JobUpdate::Start { .. } => "start_job",
            JobUpdate::Progress { .. } => "report_job_progress",
            JobUpdate::Succeed { .. } => "succeed_job",
            JobUpdate::Fail { .. } => "fail_job",
            JobUpdate::Cancel { .. } => "cancel_job",
        }
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        let argument = match &self.update {
            JobUpdate::Start { worker } => json!(worker.as_str()),
            JobUpdate::Progress { percent, message } => json!([percent, message]),
            JobUpdate::Succeed { result } => json!(result),
            JobUpdate::Fail { error } => json!(error),
            JobUpdate::Cancel { reason } => json!(reason),
        };
        json!({ "job": self.id, "argument": argument })
    }

    async fn decide(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        let job: Loaded<Job> = streams.load(self.id).await?;
        ownership::check_update(context.source, &job.state, &self.update)?;
        Ok(job.decide(&self.update.clone().into())?.into())
    }
}
