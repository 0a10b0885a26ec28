//! Records a report of a job's runner, or cancels the job.

use domain::ids::JobId;
use domain::job::{Job, JobUpdate};
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Value, from_value, json};

use super::ownership;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};
use crate::use_case::{Recorded, UseCase, unknown};

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

pub(crate) struct Update {
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

impl Recorded for Update {
    const NAMES: &'static [&'static str] = &[
        "start_job",
        "report_job_progress",
        "succeed_job",
        "fail_job",
        "cancel_job",
    ];

    fn of_record(name: &str, input: Value, _ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            job: JobId,
            argument: Value,
        }
        let Input { job: id, argument } = from_value(input)?;
        let update = match name {
            "start_job" => JobUpdate::Start {
                worker: from_value(argument)?,
            },
            "report_job_progress" => {
                let (percent, message) = from_value(argument)?;
                JobUpdate::Progress { percent, message }
            }
            "succeed_job" => JobUpdate::Succeed {
                result: from_value(argument)?,
            },
            "fail_job" => JobUpdate::Fail {
                error: from_value(argument)?,
            },
            "cancel_job" => JobUpdate::Cancel {
                reason: from_value(argument)?,
            },
            _ => return Err(unknown(name)),
        };
        Ok(Self { id, update })
    }
}
