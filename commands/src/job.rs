//! What can be asked for about jobs.

use domain::droplet::{Droplet, DropletRejection};
use domain::ids::JobId;
use domain::job::{Job, JobCommand, JobSubject, Runner};
use domain::name::JobKind;
use event_store::envelope::StreamId;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::decision::Decision;
use crate::error::{CommandError, Rejected};
use crate::execute::{Commands, UseCase};
use crate::ownership;
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};

/// A job that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// What is to be done.
    pub kind: JobKind,
    /// What it concerns; a droplet must exist in the organization.
    pub subject: JobSubject,
    /// What the runner needs to know besides.
    pub parameters: Map<String, Value>,
    /// Who does it.
    pub runner: Runner,
    /// How often it may be tried, from 1 to [`domain::job::MAX_ATTEMPTS`].
    pub attempts: u8,
}

impl Commands {
    /// Asks for a job, under an id that was made for this request.
    ///
    /// # Errors
    /// [`CommandError`]; `DROPLET_NOT_FOUND` also when the droplet is another organization's,
    /// `RESERVED_JOB_KIND` for kinds that only the platform submits.
    pub async fn submit_job(
        &self,
        context: &Context,
        id: JobId,
        new: NewJob,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Submit { id, new }).await
    }

    /// Every other command to a job.
    ///
    /// # Errors
    /// [`CommandError`]; `JOB_NOT_FOUND` also for jobs of other organizations. To submit has a
    /// method of its own, and is refused here (`NEEDS_ITS_SUBJECT`).
    pub async fn job(
        &self,
        context: &Context,
        id: JobId,
        command: JobCommand,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Alter { id, command }).await
    }
}

struct Submit {
    id: JobId,
    new: NewJob,
}

impl UseCase for Submit {
    fn name(&self) -> &'static str {
        "submit_job"
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        let NewJob {
            kind,
            subject,
            parameters,
            runner,
            attempts,
        } = &self.new;
        let subject = match subject {
            JobSubject::Droplet(droplet) => json!({ "droplet": droplet }),
            JobSubject::Cluster(cluster) => json!({ "cluster": cluster.as_str() }),
        };
        json!({
            "kind": kind.as_str(),
            "subject": subject,
            "parameters": parameters,
            "runner": runner.as_str(),
            "attempts": attempts,
        })
    }

    async fn decide(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        let new = self.new.clone();
        ownership::check_submission(context.source, &new.kind, new.runner)?;
        match new.subject {
            // A fact: a droplet that existed once exists for ever.
            JobSubject::Droplet(droplet) => {
                let droplet: Loaded<Droplet> = streams.load_fact(droplet).await?;
                if droplet.state.status().is_none() {
                    let mut rejected = Rejected::by_rule(&DropletRejection::DropletNotFound);
                    rejected.field = Some("droplet");
                    return Err(rejected.into());
                }
            }
            JobSubject::Cluster(_) => {}
        }
        let command = JobCommand::Submit {
            kind: new.kind,
            subject: new.subject,
            parameters: new.parameters,
            runner: new.runner,
            attempts: new.attempts,
        };
        let job: Loaded<Job> = streams.open(self.id).await?;
        Ok(job.decide(&command)?.into())
    }
}

struct Alter {
    id: JobId,
    command: JobCommand,
}

impl UseCase for Alter {
    fn name(&self) -> &'static str {
        match self.command {
            JobCommand::Submit { .. } => "submit",
            JobCommand::Start { .. } => "start_job",
            JobCommand::Progress { .. } => "report_job_progress",
            JobCommand::Succeed { .. } => "succeed_job",
            JobCommand::Fail { .. } => "fail_job",
            JobCommand::Cancel { .. } => "cancel_job",
        }
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        let argument = match &self.command {
            JobCommand::Submit { .. } => Value::Null,
            JobCommand::Start { worker } => json!(worker.as_str()),
            JobCommand::Progress { percent, message } => json!([percent, message]),
            JobCommand::Succeed { result } => json!(result),
            JobCommand::Fail { error } => json!(error),
            JobCommand::Cancel { reason } => json!(reason),
        };
        json!({ "job": self.id, "argument": argument })
    }

    async fn decide(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        if matches!(self.command, JobCommand::Submit { .. }) {
            return Err(needs_its_subject().into());
        }
        let job: Loaded<Job> = streams.load(self.id).await?;
        ownership::check_job(context.source, &job.state, &self.command)?;
        Ok(job.decide(&self.command)?.into())
    }
}

/// Whether the subject exists is looked up where a job is submitted, and only there.
fn needs_its_subject() -> Rejected {
    Rejected {
        code: "NEEDS_ITS_SUBJECT",
        field: None,
        message:
            "a job is submitted together with a look at its subject: submit it through its own \
                  command"
                .to_owned(),
    }
}
