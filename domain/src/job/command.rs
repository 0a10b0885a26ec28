//! The commands of a job.

use serde_json::{Map, Value};

use super::state::{JobSubject, Runner};
use crate::name::{JobKind, WorkerName};

/// A request to change a job.
///
/// Free texts and values are bounded by the limits of [`input`](crate::input).
#[derive(Debug, Clone, PartialEq)]
pub enum JobCommand {
    /// Requests a piece of work.
    Submit {
        /// The kind of the work.
        kind: JobKind,
        /// The droplet or cluster that the job concerns.
        subject: JobSubject,
        /// The further input of the runner.
        parameters: Map<String, Value>,
        /// The runner, which does the work.
        runner: Runner,
        /// The number of allowed attempts, from 1 to [`MAX_ATTEMPTS`](super::MAX_ATTEMPTS).
        attempts: u8,
    },
    /// Reports on the job by its runner, or cancels the job.
    Update(JobUpdate),
}

/// A change of a job that needs nothing but the job: a request of a user, or a report of the job's runner.
///
/// Free texts and values are bounded by the limits of [`input`](crate::input).
#[derive(Debug, Clone, PartialEq)]
pub enum JobUpdate {
    /// Reports that the runner began.
    Start {
        /// The name of the worker that runs the job.
        worker: WorkerName,
    },
    /// Reports progress of the runner.
    Progress {
        /// The progress in percent, from the last reported percentage to 100. A job at 100 has not yet
        /// succeeded.
        percent: u8,
        /// The current step of the work, for people.
        message: Option<String>,
    },
    /// Reports that the runner did the job.
    Succeed {
        /// The result of the job.
        result: Option<Value>,
    },
    /// Reports that the runner could not do the job.
    Fail {
        /// The reason, for people.
        error: String,
    },
    /// Cancels the job, for a user or the runner.
    Cancel {
        /// The reason, for people.
        reason: String,
    },
}

impl From<JobUpdate> for JobCommand {
    fn from(update: JobUpdate) -> Self {
        Self::Update(update)
    }
}
