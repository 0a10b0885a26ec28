//! What may be asked of a job.

use serde_json::{Map, Value};

use super::state::{JobSubject, Runner};
use crate::name::{JobKind, WorkerName};

/// What may be asked of a job.
///
/// Free texts and values are bounded as [`input`](crate::input) says.
#[derive(Debug, Clone, PartialEq)]
pub enum JobCommand {
    /// A user wants work done.
    Submit {
        /// What is to be done.
        kind: JobKind,
        /// What it concerns.
        subject: JobSubject,
        /// What the runner needs to know besides.
        parameters: Map<String, Value>,
        /// Who does it.
        runner: Runner,
        /// How often it may be tried, from 1 to [`MAX_ATTEMPTS`](super::MAX_ATTEMPTS).
        attempts: u8,
    },
    /// The runner reports on it, or somebody wants it no longer done.
    Update(JobUpdate),
}

/// A change of a job that needs nothing but the job: a wish of a user, or a report of the job's runner.
///
/// Free texts and values are bounded as [`input`](crate::input) says.
#[derive(Debug, Clone, PartialEq)]
pub enum JobUpdate {
    /// The runner began.
    Start {
        /// Who runs it.
        worker: WorkerName,
    },
    /// The runner got on.
    Progress {
        /// How much is done, from what was reported before to 100. Having reached 100 is not yet
        /// to have succeeded.
        percent: u8,
        /// What is being done, for people.
        message: Option<String>,
    },
    /// The runner did it.
    Succeed {
        /// What came of it.
        result: Option<Value>,
    },
    /// The runner could not do it.
    Fail {
        /// Why, for people.
        error: String,
    },
    /// A user or the runner wants it no longer done.
    Cancel {
        /// Why, for people.
        reason: String,
    },
}

impl From<JobUpdate> for JobCommand {
    fn from(update: JobUpdate) -> Self {
        Self::Update(update)
    }
}
