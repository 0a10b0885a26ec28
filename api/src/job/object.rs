//! The GraphQL type `Job`.

use super::JobRow;
use super::runner::Runner;
use super::status::JobStatus;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::GlobalId;
use crate::graph::points;
use crate::graph::scalars::{BigInt, Time};

impl Object for JobRow {
    const NAME: &'static str = "Job";
    const DESCRIPTION: &'static str = "A piece of work that concerns one droplet or one cluster.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("id", "The id of the job, which never changes.", |job| {
            GlobalId::of(job.id)
        });
        state(fields);
    }
}

/// Declares the fields of a job that are part of its row, without the id.
pub(super) fn state(fields: &mut Fields<'_, JobRow>) {
    fields.text(
        "kind",
        "The kind of work, such as `provision` or `batch`.",
        |job| job.kind.as_str(),
    );
    fields.value("status", "The status of the job.", |job| {
        JobStatus::from(job.status)
    });
    fields.value(
        "dropletId",
        "The id of the droplet that the job concerns, unless the job concerns a cluster.",
        |job| job.droplet_id.map(GlobalId::of),
    );
    fields
        .optional_text(
            "clusterLabel",
            "The label of the cluster that the job concerns, unless the job concerns a droplet.",
            |job| job.cluster.as_ref().map(|cluster| cluster.as_str()),
        )
        .columns(&["cluster"]);
    fields.value("runner", "The party that runs the job.", |job| {
        Runner::from(job.runner)
    });
    fields
        .value("maxAttempts", "The maximum number of attempts.", |job| {
            job.attempts
        })
        .columns(&["attempts"]);
    fields
        .part(
            "parameters",
            "The additional data for the runner: an object.",
            |job| &job.parameters,
        )
        .up_to(points::JSON_BYTES);
    fields.optional_text(
        "worker",
        "The worker that runs or ran the job. Null until the job is started.",
        |job| job.worker.as_ref().map(|worker| worker.as_str()),
    );
    fields.value(
        "percent",
        "The finished share of the work in percent, from 0 to 100. Only the status says that the \
         job has finished.",
        |job| job.percent,
    );
    fields.optional_text("message", "The last message of the runner.", |job| {
        job.message.as_deref()
    });
    fields
        .part(
            "result",
            "The result of the job, if the job succeeded with a result.",
            |job| &job.result,
        )
        .up_to(points::JSON_BYTES);
    fields.optional_text(
        "reason",
        "The reason for the job's failure or cancellation.",
        |job| job.reason.as_deref(),
    );
    fields.value(
        "version",
        "The number of the job's events, which grows with every change.",
        |job| BigInt(job.version.0),
    );
    fields.value("createdAt", "The time of the job's submission.", |job| {
        Time(job.created_at)
    });
    fields.value(
        "startedAt",
        "The time of the job's start, if the job was started.",
        |job| job.started_at.map(Time),
    );
    fields.value(
        "finishedAt",
        "The time of the job's end, if the job has ended.",
        |job| job.finished_at.map(Time),
    );
    fields.value("updatedAt", "The time of the last change.", |job| {
        Time(job.updated_at)
    });
    fields.value(
        "recordedAt",
        "The time at which the platform recorded the last change. Differs from `updatedAt` if an \
         agent reported an earlier event.",
        |job| Time(job.recorded_at),
    );
}
