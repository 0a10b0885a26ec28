//! Mutations about jobs, one for each command.

use async_graphql::ID;
use commands::job::NewJob;
use domain::job::{JobSubject, JobUpdate};
use domain::name::{ClusterName, JobKind, WorkerName};
use serde_json::{Map, Value};

use super::JobRow;
use super::inputs::{
    CancelJobInput, FailJobInput, JobTargetInput, ReportJobProgressInput, StartJobInput,
    SubmitJobInput, SucceedJobInput,
};
use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::global_id::GlobalId;
use crate::graph::input::Check;
use crate::graph::mutation::carry_out;
use crate::graph::payload::Payload;
use crate::graph::request::new_id;
use crate::graph::scalars::{JsonInput, Time};
use crate::identity::roles::Right;

/// Declares the mutations.
pub(super) fn mutations<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    fields
        .mutation(
            "submitJob",
            "Submits a job that concerns a droplet or a cluster.",
            submit_job,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "startJob",
            "Reports that a runner began a job. For jobs of runner `AGENT`.",
            start_job,
        )
        .needs(Right::Report);
    fields
        .mutation(
            "reportJobProgress",
            "Reports the progress of a running job. For jobs of runner `AGENT`.",
            report_job_progress,
        )
        .needs(Right::Report);
    fields
        .mutation(
            "succeedJob",
            "Reports that a running job succeeded. For jobs of runner `AGENT`.",
            succeed_job,
        )
        .needs(Right::Report);
    fields
        .mutation(
            "failJob",
            "Reports that a running job failed. For jobs of runner `AGENT`.",
            fail_job,
        )
        .needs(Right::Report);
    fields
        .mutation("cancelJob", "Cancels a job.", cancel_job)
        .needs(Right::Command);
}

async fn submit_job(context: Context, input: SubmitJobInput) -> Result<Payload<JobRow>> {
    let mut check = Check::begin(&context)?;
    let kind = check.value("kind", JobKind::parse(input.kind));
    let subject = subject(&mut check, input.target);
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
        &context,
        check,
        input.occurred_at,
        new(),
        |commands, about, new| async move { commands.submit_job(&about, new_id(), new).await },
    )
    .await
}

async fn start_job(context: Context, input: StartJobInput) -> Result<Payload<JobRow>> {
    let mut check = Check::begin(&context)?;
    let worker = check.value("worker", WorkerName::parse(input.worker));
    let command = worker.map(|worker| JobUpdate::Start { worker });
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn report_job_progress(
    context: Context,
    input: ReportJobProgressInput,
) -> Result<Payload<JobRow>> {
    let mut check = Check::begin(&context)?;
    let message = input.message;
    let percent = check.value("percent", small(input.percent));
    let command = percent.map(|percent| JobUpdate::Progress { percent, message });
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn succeed_job(context: Context, input: SucceedJobInput) -> Result<Payload<JobRow>> {
    let result = input.result.map(|JsonInput(result)| result);
    let command = Some(JobUpdate::Succeed { result });
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn fail_job(context: Context, input: FailJobInput) -> Result<Payload<JobRow>> {
    let command = Some(JobUpdate::Fail {
        error: input.reason,
    });
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn cancel_job(context: Context, input: CancelJobInput) -> Result<Payload<JobRow>> {
    let reason = input.reason;
    let command = Some(JobUpdate::Cancel { reason });
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, command, input.occurred_at).await
}

/// Sends a command to a job; `command` is `None` if its input is invalid.
async fn send(
    context: &Context,
    mut check: Check<'_>,
    id: &ID,
    command: Option<JobUpdate>,
    occurred_at: Option<Time>,
) -> Result<Payload<JobRow>> {
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

fn subject(check: &mut Check<'_>, target: JobTargetInput) -> Option<JobSubject> {
    match target {
        JobTargetInput::Droplet(id) => {
            let read = GlobalId::parse_as(&id);
            check
                .at(&["target", "droplet"], "INVALID_ID", read)
                .map(JobSubject::Droplet)
        }
        JobTargetInput::ClusterLabel(label) => {
            let read = cluster_label(label);
            let label = check.at(&["target", "clusterLabel"], "INVALID_VALUE", read);
            label.map(JobSubject::Cluster)
        }
    }
}

fn cluster_label(text: String) -> std::result::Result<ClusterName, String> {
    ClusterName::parse(text)
        .map_err(|error| format!("{error} (a job takes a cluster's label, not its id)"))
}

fn parameters(value: Option<JsonInput>) -> std::result::Result<Map<String, Value>, &'static str> {
    match value.map(|JsonInput(value)| value) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(parameters)) => Ok(parameters),
        Some(_) => Err("parameters are an object: write them like {\"gpus\": 2}"),
    }
}

/// Converts a number that the rules take as a byte; the rules check its exact limits.
fn small(number: i32) -> std::result::Result<u8, String> {
    u8::try_from(number).map_err(|_| {
        format!("{number} is out of range: the description of the field says what is possible")
    })
}
