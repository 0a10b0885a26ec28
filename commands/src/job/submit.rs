//! Submits a job on an existing droplet or a cluster.

use domain::droplet::{Droplet, DropletRejection};
use domain::ids::JobId;
use domain::job::{Job, JobCommand, JobSubject, Runner};
use domain::name::JobKind;
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ownership;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::{CommandError, Rejected};
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};
use crate::use_case::{Recorded, UseCase};

/// The arguments of a new job.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// The kind of the work.
    pub kind: JobKind,
    /// The droplet or cluster that the job concerns; a droplet must exist in the organization.
    pub subject: JobSubject,
    /// The further input of the runner.
    pub parameters: Map<String, Value>,
    /// The runner, which does the work.
    pub runner: Runner,
    /// The number of allowed attempts, from 1 to [`domain::job::MAX_ATTEMPTS`].
    pub attempts: u8,
}

impl Commands {
    /// Submits a job, under an id that was made for this request.
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
}

pub(crate) struct Submit {
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

    fn ids(&self) -> Value {
        json!({ "job": self.id })
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
            // A fact: a droplet that existed once exists for as long as the log does.
            JobSubject::Droplet(droplet) => {
                let droplet: Loaded<Droplet> = streams.load_fact(droplet).await?;
                if droplet.state.status().is_none() {
                    let mut rejected = Rejected::by_rule(&DropletRejection::DropletNotFound);
                    rejected.field = Some("target.droplet".into());
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

impl Recorded for Submit {
    const NAMES: &'static [&'static str] = &["submit_job"];

    fn of_record(_name: &str, input: Value, ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            kind: JobKind,
            subject: JobSubject,
            parameters: Map<String, Value>,
            runner: Runner,
            attempts: u8,
        }
        #[derive(Deserialize)]
        struct Ids {
            job: JobId,
        }
        let input: Input = serde_json::from_value(input)?;
        let Ids { job: id } = serde_json::from_value(ids)?;
        let new = NewJob {
            kind: input.kind,
            subject: input.subject,
            parameters: input.parameters,
            runner: input.runner,
            attempts: input.attempts,
        };
        Ok(Self { id, new })
    }
}
