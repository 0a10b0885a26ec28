//! The rejections of a job.

use thiserror::Error;

use super::MAX_ATTEMPTS;
use super::status::JobStatus;
use crate::decider::Rejection;
use crate::input::InvalidInput;

/// The rule of jobs that a command would break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobRejection {
    /// The number of attempts is not one that a job can have.
    #[error("a job cannot have {attempts} attempts: allow 1 to {MAX_ATTEMPTS}")]
    InvalidAttempts {
        /// The requested number of attempts.
        attempts: u8,
    },
    /// A text or a value is beyond its limits.
    #[error(transparent)]
    InvalidInput(#[from] InvalidInput),
    /// The reported progress is more than 100 percent.
    #[error("progress cannot be {percent} percent: report 0 to 100")]
    InvalidPercent {
        /// The reported percentage.
        percent: u8,
    },
    /// A job with this id was already submitted.
    #[error("this job was already submitted: use another id for another job")]
    JobAlreadyExists,
    /// The job was already started.
    #[error("the job already runs: report its progress or its end instead")]
    JobAlreadyStarted,
    /// The job already ended.
    #[error("the job already ended as {status}: submit another one")]
    JobFinished {
        /// The status in which the job ended.
        status: JobStatus,
    },
    /// No job has this id.
    #[error("there is no such job: check its id")]
    JobNotFound,
    /// The job was not started yet.
    #[error("the job does not run yet: start it first")]
    JobNotRunning,
    /// The reported progress is less than before; progress only grows.
    #[error(
        "progress cannot go back from {reached} percent to {percent}: report {reached} or more"
    )]
    ProgressWentBack {
        /// The reported percentage.
        percent: u8,
        /// The percentage that was reported before.
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
            Self::InvalidAttempts { .. } => Some("maxAttempts"),
            Self::InvalidInput(input) => Some(input.field()),
            Self::JobNotFound => Some("id"),
            Self::InvalidPercent { .. } | Self::ProgressWentBack { .. } => Some("percent"),
            Self::JobAlreadyExists
            | Self::JobAlreadyStarted
            | Self::JobFinished { .. }
            | Self::JobNotRunning => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Clients match on codes and show the sentence at the field: none of them changes unseen.
    #[test]
    fn refusals_of_input_name_the_rule_and_the_field_and_say_what_to_do() {
        for (rejection, code, field, sentence) in [
            (
                JobRejection::InvalidAttempts { attempts: 11 },
                "INVALID_ATTEMPTS",
                "maxAttempts",
                "a job cannot have 11 attempts: allow 1 to 10",
            ),
            (
                InvalidInput::JsonTooDeep { field: "result" }.into(),
                "JSON_TOO_DEEP",
                "result",
                "`result` is nested too deep: use at most 32 levels",
            ),
            (
                JobRejection::InvalidPercent { percent: 101 },
                "INVALID_PERCENT",
                "percent",
                "progress cannot be 101 percent: report 0 to 100",
            ),
            (
                JobRejection::ProgressWentBack {
                    percent: 30,
                    reached: 75,
                },
                "PROGRESS_WENT_BACK",
                "percent",
                "progress cannot go back from 75 percent to 30: report 75 or more",
            ),
        ] {
            assert_eq!(rejection.code(), code);
            assert_eq!(rejection.field(), Some(field), "{code}");
            assert_eq!(rejection.to_string(), sentence);
        }
    }
}
