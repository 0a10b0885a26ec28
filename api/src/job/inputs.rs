//! The inputs of mutations about jobs.

use async_graphql::{ID, InputObject, OneofObject};

use super::runner::Runner;
use crate::graph::scalars::{JsonInput, Time};

/// The job to submit.
#[derive(InputObject)]
pub(crate) struct SubmitJobInput {
    /// The kind of work: 1 to 63 lower-case letters, digits, hyphens and underscores, beginning with a
    /// letter.
    pub(crate) kind: String,
    /// The droplet or the cluster that the job concerns.
    pub(crate) target: JobTargetInput,
    /// The additional data for the runner: an object, at most 16 KiB and 32 levels deep.
    pub(crate) parameters: Option<JsonInput>,
    /// The party that runs the job.
    #[graphql(default_with = "Runner::Platform")]
    pub(crate) runner: Runner,
    /// The maximum number of attempts, from 1 to 10.
    #[graphql(default = 1)]
    pub(crate) max_attempts: i32,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// The object that a job concerns: one of these.
#[derive(OneofObject)]
pub(crate) enum JobTargetInput {
    /// The id of a droplet.
    Droplet(ID),
    /// The label of a cluster: 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends. A label need not be the name
    /// of a cluster.
    ClusterLabel(String),
}

/// A job that began.
#[derive(InputObject)]
pub(crate) struct StartJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// The worker that runs the job: 1 to 255 printable characters.
    pub(crate) worker: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// The progress of a job.
#[derive(InputObject)]
pub(crate) struct ReportJobProgressInput {
    /// The job's id.
    pub(crate) id: ID,
    /// The finished share of the work in percent, from the last reported value to 100.
    pub(crate) percent: i32,
    /// The current step of the work, for people; at most 2,000 characters.
    pub(crate) message: Option<String>,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A job that succeeded.
#[derive(InputObject)]
pub(crate) struct SucceedJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// The result of the job, at most 16 KiB and 32 levels deep.
    pub(crate) result: Option<JsonInput>,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A job that failed.
#[derive(InputObject)]
pub(crate) struct FailJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// The reason for the failure, for people; at most 2,000 characters.
    pub(crate) reason: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// The job to cancel.
#[derive(InputObject)]
pub(crate) struct CancelJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// The reason for the cancellation, for people; at most 2,000 characters.
    pub(crate) reason: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}
