//! Why a job refuses a command.

use thiserror::Error;

use super::{MAX_ATTEMPTS, state::JobStatus};
use crate::{decider::Rejection, input::InvalidInput};

/// The rule of jobs that a command would break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobRejection {
    /// It may not be tried that often.
    #[error("a job can have 1 to {MAX_ATTEMPTS} attempts, not {attempts}")]
    InvalidAttempts {
        /// How often was asked for.
        attempts: u8,
    },
    /// A text or a value is beyond its limits.
    #[error(transparent)]
    InvalidInput(#[from] InvalidInput),
    /// More than all cannot be done.
    #[error("progress is at most 100 percent, not {percent}")]
    InvalidPercent {
        /// What was reported.
        percent: u8,
    },
    /// A job with this id was already submitted.
    #[error("this job was already submitted: use another id for another job")]
    JobAlreadyExists,
    /// It was already started.
    #[error("the job already runs: report its progress or its end instead")]
    JobAlreadyStarted,
    /// It came to its end.
    #[error("the job already ended as {status}: submit another one")]
    JobFinished {
        /// Its end.
        status: JobStatus,
    },
    /// There is none with this id.
    #[error("there is no such job: check its id")]
    JobNotFound,
    /// It was not started yet.
    #[error("the job does not run yet: start it first")]
    JobNotRunning,
    /// Progress only grows.
    #[error("the job has already reached {reached} percent: {percent} would be a step back")]
    ProgressWentBack {
        /// What was reported.
        percent: u8,
        /// What was reported before.
        reached: u8,
    },
}

impl Rejection for JobRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::InvalidAttempts { .. } => "INVALID_ATTEMPTS",
            Self::InvalidInput(input) => input.code(),
            Self::InvalidPercent { .. } => "INVALID_PERCENT",
            Self::JobAlreadyExists => "JOB_ALREADY_EXISTS",
            Self::JobAlreadyStarted => "JOB_ALREADY_STARTED",
            Self::JobFinished { .. } => "JOB_FINISHED",
            Self::JobNotFound => "JOB_NOT_FOUND",
            Self::JobNotRunning => "JOB_NOT_RUNNING",
            Self::ProgressWentBack { .. } => "PROGRESS_WENT_BACK",
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::InvalidAttempts { .. } => Some("attempts"),
            Self::InvalidInput(input) => Some(input.field()),
            Self::InvalidPercent { .. } | Self::ProgressWentBack { .. } => Some("percent"),
            Self::JobAlreadyExists
            | Self::JobAlreadyStarted
            | Self::JobFinished { .. }
            | Self::JobNotFound
            | Self::JobNotRunning => None,
        }
    }
}
