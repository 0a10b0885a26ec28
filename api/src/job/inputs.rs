//! The inputs of mutations about jobs.

use async_graphql::{ID, InputObject, Json};
use serde_json::Value;

use super::runner::Runner;
use crate::graph::scalars::Time;

/// A job that is asked for. It concerns a droplet or a cluster: exactly one of the two.
#[derive(InputObject)]
pub(crate) struct SubmitJobInput {
    /// What is to be done: 1 to 63 lower-case letters, digits, hyphens and underscores, beginning
    /// with a letter.
    pub(crate) kind: String,
    /// The id of the droplet that it concerns.
    pub(crate) droplet: Option<ID>,
    /// The label of the cluster that the job concerns: 1 to 63 lower-case letters, digits and hyphens. It
    /// need not be the name of a cluster.
    pub(crate) cluster_label: Option<String>,
    /// What the runner needs to know besides: an object, at most 16 KiB and 32 levels deep.
    pub(crate) parameters: Option<Json<Value>>,
    /// Who does it.
    #[graphql(default_with = "Runner::Platform")]
    pub(crate) runner: Runner,
    /// How often it may be tried, from 1 to 10.
    #[graphql(default = 1)]
    pub(crate) max_attempts: i32,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A job that began.
#[derive(InputObject)]
pub(crate) struct StartJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// Who runs it: 1 to 255 printable characters.
    pub(crate) worker: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// How far a job got.
#[derive(InputObject)]
pub(crate) struct ReportJobProgressInput {
    /// The job's id.
    pub(crate) id: ID,
    /// How much is done, from what was reported before to 100.
    pub(crate) percent: i32,
    /// What is being done, for people; at most 2,000 characters.
    pub(crate) message: Option<String>,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A job that is done.
#[derive(InputObject)]
pub(crate) struct SucceedJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// What came of it, at most 16 KiB and 32 levels deep.
    pub(crate) result: Option<Json<Value>>,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A job that could not be done.
#[derive(InputObject)]
pub(crate) struct FailJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// Why, for people; at most 2,000 characters.
    pub(crate) reason: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A job that is no longer to be done.
#[derive(InputObject)]
pub(crate) struct CancelJobInput {
    /// The job's id.
    pub(crate) id: ID,
    /// Why, for people; at most 2,000 characters.
    pub(crate) reason: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}
