//! Mutations about jobs, one for each command.

use async_graphql::{Context, ID, Json, Object, Result};
use commands::job::NewJob;
use domain::job::{JobSubject, JobUpdate};
use domain::name::{ClusterName, JobKind, WorkerName};
use serde_json::{Map, Value};

use super::inputs::{
    CancelJobInput, FailJobInput, ReportJobProgressInput, StartJobInput, SubmitJobInput,
    SucceedJobInput,
};
use super::payload::JobPayload;
use crate::graph::guard::Needs;
use crate::graph::input::Check;
use crate::graph::mutation::carry_out;
use crate::graph::request::new_id;
use crate::graph::scalars::Time;
use crate::identity::roles::Right;

#[derive(Default)]
pub(crate) struct JobMutations;

/// Mutations about jobs.
#[Object]
impl JobMutations {
    /// Submits a job that concerns a droplet or a cluster.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn submit_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job to submit.")] input: SubmitJobInput,
    ) -> Result<JobPayload> {
        let mut check = Check::begin(context)?;
        let kind = check.value("kind", JobKind::parse(input.kind));
        let subject = subject(&mut check, input.droplet, input.cluster_label);
        let parameters = check.value("parameters", parameters(input.parameters));
        let attempts = check.value("maxAttempts", small(input.max_attempts));
        let new = || {
            Some(NewJob {
                kind: kind?,
                subject: subject?,
                parameters: parameters?,
                runner: input.runner.into(),
                attempts: attempts?,
            })
        };
        carry_out(
            context,
            check,
            input.occurred_at,
            new(),
            |commands, about, new| async move { commands.submit_job(&about, new_id(), new).await },
        )
        .await
    }

    /// Reports that a runner began a job. For jobs of runner `AGENT`.
    #[graphql(guard = "Needs(Right::Report)")]
    async fn start_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job and its worker.")] input: StartJobInput,
    ) -> Result<JobPayload> {
        let mut check = Check::begin(context)?;
        let worker = check.value("worker", WorkerName::parse(input.worker));
        let command = worker.map(|worker| JobUpdate::Start { worker });
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Reports the progress of a running job. For jobs of runner `AGENT`.
    #[graphql(guard = "Needs(Right::Report)")]
    async fn report_job_progress(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job and its progress.")] input: ReportJobProgressInput,
    ) -> Result<JobPayload> {
        let mut check = Check::begin(context)?;
        let message = input.message;
        let percent = check.value("percent", small(input.percent));
        let command = percent.map(|percent| JobUpdate::Progress { percent, message });
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Reports that a running job succeeded. For jobs of runner `AGENT`.
    #[graphql(guard = "Needs(Right::Report)")]
    async fn succeed_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job and its result.")] input: SucceedJobInput,
    ) -> Result<JobPayload> {
        let result = input.result.map(|Json(result)| result);
        let command = Some(JobUpdate::Succeed { result });
        let check = Check::begin(context)?;
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Reports that a running job failed. For jobs of runner `AGENT`.
    #[graphql(guard = "Needs(Right::Report)")]
    async fn fail_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job and the reason.")] input: FailJobInput,
    ) -> Result<JobPayload> {
        let command = Some(JobUpdate::Fail {
            error: input.reason,
        });
        let check = Check::begin(context)?;
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Cancels a job.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn cancel_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job and the reason.")] input: CancelJobInput,
    ) -> Result<JobPayload> {
        let reason = input.reason;
        let command = Some(JobUpdate::Cancel { reason });
        let check = Check::begin(context)?;
        send(context, check, &input.id, command, input.occurred_at).await
    }
}

/// Sends a command to a job; `command` is `None` if its input is invalid.
async fn send(
    context: &Context<'_>,
    mut check: Check<'_>,
    id: &ID,
    command: Option<JobUpdate>,
    occurred_at: Option<Time>,
) -> Result<JobPayload> {
    let id = check.id("id", id);
    let read = id.zip(command);
    carry_out(
        context,
        check,
        occurred_at,
        read,
        |commands, about, (id, command)| async move { commands.job(&about, id, command).await },
    )
    .await
}

fn subject(
    check: &mut Check<'_>,
    droplet: Option<ID>,
    cluster: Option<String>,
) -> Option<JobSubject> {
    match (droplet, cluster) {
        (Some(droplet), None) => check.id("droplet", &droplet).map(JobSubject::Droplet),
        (None, Some(label)) => check
            .value("clusterLabel", cluster_label(label))
            .map(JobSubject::Cluster),
        (Some(_), Some(_)) | (None, None) => {
            let message = "a job concerns one droplet or one cluster: give exactly one of `droplet` and \
                           `clusterLabel`";
            check.refuse(&["droplet"], "INVALID_VALUE", message.to_owned());
            None
        }
    }
}

fn cluster_label(text: String) -> Result<ClusterName, String> {
    ClusterName::parse(text)
        .map_err(|error| format!("{error} (a job takes a cluster's label, not its id)"))
}

fn parameters(value: Option<Json<Value>>) -> Result<Map<String, Value>, &'static str> {
    match value.map(|Json(value)| value) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(parameters)) => Ok(parameters),
        Some(_) => Err("parameters are an object: write them like {\"gpus\": 2}"),
    }
}

/// Converts a number that the rules take as a byte; the rules check its exact limits.
fn small(number: i32) -> Result<u8, String> {
    u8::try_from(number).map_err(|_| {
        format!("{number} is out of range: the description of the field says what is possible")
    })
}
