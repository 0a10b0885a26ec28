//! A job: a piece of work on a droplet or a cluster, from submission to its end.
//!
//! ```text
//! submitted -> running -> succeeded | failed | cancelled
//!     \_____________________________________^
//! ```
//!
//! The runner, which is the platform or an agent, starts the job and reports on it. Progress only grows.
//! The three ends are final: no command is accepted after them, and no event changes them.

mod aggregate;
mod command;
mod event;
mod rejection;
mod state;
mod status;
#[cfg(test)]
mod tests;

pub use command::{JobCommand, JobUpdate};
pub use event::{
    JobCancelled, JobEvent, JobFailed, JobProgressed, JobStarted, JobSubmitted, JobSucceeded,
};
pub use rejection::JobRejection;
pub use state::{Job, JobSpec, JobSubject, Runner};
pub use status::JobStatus;

use serde_json::Value;

use crate::decider::Decider;
use crate::input::{check_json, check_text};
use crate::stream_type::StreamType;

/// The most attempts that a job may be given.
pub const MAX_ATTEMPTS: u8 = 10;

impl Decider for Job {
    const STREAM_TYPE: StreamType = StreamType::JOB;
    const STATE_VERSION: i32 = 1;

    type Command = JobCommand;
    type Event = JobEvent;
    type Rejection = JobRejection;

    fn decide(&self, command: &JobCommand) -> Result<Vec<JobEvent>, JobRejection> {
        match command {
            JobCommand::Submit {
                kind,
                subject,
                parameters,
                runner,
                attempts,
            } => {
                self.must_be_absent()?;
                if !(1..=MAX_ATTEMPTS).contains(attempts) {
                    return Err(JobRejection::InvalidAttempts {
                        attempts: *attempts,
                    });
                }
                check_json("parameters", &Value::Object(parameters.clone()))?;
                one(JobSubmitted {
                    kind: kind.clone(),
                    subject: subject.clone(),
                    parameters: parameters.clone(),
                    runner: *runner,
                    attempts: *attempts,
                })
            }
            JobCommand::Update(update) => self.update(update),
        }
    }

    fn evolve(self, event: &JobEvent) -> Self {
        if JobStatus::after(self.status(), event).is_none() {
            return self;
        }
        match event {
            JobEvent::Submitted(submitted) => Self::Submitted {
                spec: JobSpec::from(submitted),
            },
            JobEvent::Started(started) => self.started(started),
            JobEvent::Progressed(progressed) => self.progressed(progressed),
            JobEvent::Succeeded(_) => Self::Succeeded,
            JobEvent::Failed(_) => Self::Failed,
            JobEvent::Cancelled(_) => Self::Cancelled,
        }
    }
}

impl Job {
    fn update(&self, update: &JobUpdate) -> Result<Vec<JobEvent>, JobRejection> {
        match update {
            JobUpdate::Start { worker } => {
                self.must_be_waiting()?;
                one(JobStarted {
                    worker: worker.clone(),
                })
            }
            JobUpdate::Progress { percent, message } => {
                let reached = self.must_be_running()?;
                if *percent > 100 {
                    return Err(JobRejection::InvalidPercent { percent: *percent });
                }
                if *percent < reached.percent {
                    return Err(JobRejection::ProgressWentBack {
                        percent: *percent,
                        reached: reached.percent,
                    });
                }
                if let Some(message) = message {
                    check_text("message", message)?;
                }
                let says_something_new = message
                    .as_deref()
                    .is_some_and(|message| reached.message != Some(message));
                if *percent == reached.percent && !says_something_new {
                    return Ok(Vec::new());
                }
                one(JobProgressed {
                    percent: *percent,
                    message: message.clone(),
                })
            }
            JobUpdate::Succeed { result } => {
                self.must_be_running()?;
                if let Some(result) = result {
                    check_json("result", result)?;
                }
                // Null and nothing are the same, in JSON and here.
                let result = result.clone().filter(|result| !result.is_null());
                one(JobSucceeded { result })
            }
            JobUpdate::Fail { error } => {
                self.must_be_running()?;
                check_text("reason", error)?;
                one(JobFailed {
                    error: error.clone(),
                })
            }
            JobUpdate::Cancel { reason } => {
                self.must_be_unfinished()?;
                check_text("reason", reason)?;
                one(JobCancelled {
                    reason: reason.clone(),
                })
            }
        }
    }
}

fn one(event: impl Into<JobEvent>) -> Result<Vec<JobEvent>, JobRejection> {
    Ok(vec![event.into()])
}
