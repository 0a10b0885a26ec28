//! The state of a job, and questions about it.

use serde::{Deserialize, Serialize};

use super::event::{JobProgressed, JobStarted, JobSubmitted};
use super::rejection::JobRejection;
use super::status::JobStatus;
use crate::ids::DropletId;
use crate::name::{ClusterName, JobKind, WorkerName};

/// The state of a job. Each variant holds only what is valid in that state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// The job is not submitted yet.
    #[default]
    Absent,
    /// The job waits for its runner.
    Submitted {
        /// The properties of the job.
        spec: JobSpec,
    },
    /// The job runs.
    Running {
        /// The properties of the job.
        spec: JobSpec,
        /// The name of the worker that runs the job.
        worker: WorkerName,
        /// The progress in percent, from 0 to 100.
        percent: u8,
        /// The last message of the runner.
        message: Option<String>,
    },
    /// The job is done. The state is final.
    Succeeded,
    /// The job could not be done. The state is final.
    Failed,
    /// The job was cancelled. The state is final.
    Cancelled,
}

impl Job {
    /// Returns the status, or `None` before the submission.
    #[must_use]
    pub fn status(&self) -> Option<JobStatus> {
        match self {
            Self::Absent => None,
            Self::Submitted { .. } => Some(JobStatus::Submitted),
            Self::Running { .. } => Some(JobStatus::Running),
            Self::Succeeded => Some(JobStatus::Succeeded),
            Self::Failed => Some(JobStatus::Failed),
            Self::Cancelled => Some(JobStatus::Cancelled),
        }
    }

    /// Returns the properties of the job, from its submission to its end.
    #[must_use]
    pub fn spec(&self) -> Option<&JobSpec> {
        match self {
            Self::Submitted { spec } | Self::Running { spec, .. } => Some(spec),
            Self::Absent | Self::Succeeded | Self::Failed | Self::Cancelled => None,
        }
    }

    /// Returns the runner of the job, from its submission to its end.
    #[must_use]
    pub fn runner(&self) -> Option<Runner> {
        self.spec().map(|spec| spec.runner)
    }

    /// Returns the running job if it waited for its runner. Any other state stays the same.
    pub(super) fn started(self, started: &JobStarted) -> Self {
        match self {
            Self::Submitted { spec } => Self::Running {
                spec,
                worker: started.worker.clone(),
                percent: 0,
                message: None,
            },
            Self::Absent
            | Self::Running { .. }
            | Self::Succeeded
            | Self::Failed
            | Self::Cancelled => self,
        }
    }

    /// Returns the running job with its progress. A message stays until another one comes. Any other state
    /// stays the same.
    pub(super) fn progressed(self, progressed: &JobProgressed) -> Self {
        match self {
            Self::Running {
                spec,
                worker,
                percent,
                message,
            } => Self::Running {
                spec,
                worker,
                percent: percent.max(progressed.percent),
                message: progressed.message.clone().or(message),
            },
            Self::Absent
            | Self::Submitted { .. }
            | Self::Succeeded
            | Self::Failed
            | Self::Cancelled => self,
        }
    }

    /// Rejects a command if the job was already submitted.
    pub(super) fn must_be_absent(&self) -> Result<(), JobRejection> {
        match self {
            Self::Absent => Ok(()),
            Self::Submitted { .. }
            | Self::Running { .. }
            | Self::Succeeded
            | Self::Failed
            | Self::Cancelled => Err(JobRejection::JobAlreadyExists),
        }
    }

    /// Rejects a command if the job does not wait to be started.
    pub(super) fn must_be_waiting(&self) -> Result<(), JobRejection> {
        match self {
            Self::Submitted { .. } => Ok(()),
            Self::Running { .. } => Err(JobRejection::JobAlreadyStarted),
            Self::Absent | Self::Succeeded | Self::Failed | Self::Cancelled => {
                self.must_be_unfinished()
            }
        }
    }

    /// Returns the progress of a running job, or the reason why the job does not run.
    pub(super) fn must_be_running(&self) -> Result<Reached<'_>, JobRejection> {
        match self {
            Self::Running {
                percent, message, ..
            } => Ok(Reached {
                percent: *percent,
                message: message.as_deref(),
            }),
            Self::Submitted { .. } => Err(JobRejection::JobNotRunning),
            Self::Absent => Err(JobRejection::JobNotFound),
            Self::Succeeded => Err(JobRejection::JobFinished {
                status: JobStatus::Succeeded,
            }),
            Self::Failed => Err(JobRejection::JobFinished {
                status: JobStatus::Failed,
            }),
            Self::Cancelled => Err(JobRejection::JobFinished {
                status: JobStatus::Cancelled,
            }),
        }
    }

    /// Rejects a command if the job does not exist or already ended.
    pub(super) fn must_be_unfinished(&self) -> Result<(), JobRejection> {
        match self {
            Self::Submitted { .. } => Ok(()),
            Self::Running { .. }
            | Self::Absent
            | Self::Succeeded
            | Self::Failed
            | Self::Cancelled => self.must_be_running().map(|_| ()),
        }
    }
}

/// The progress of a running job.
pub(super) struct Reached<'job> {
    pub(super) percent: u8,
    pub(super) message: Option<&'job str>,
}

/// The properties of an unfinished job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The kind of work.
    pub kind: JobKind,
    /// The droplet or cluster that the job concerns.
    pub subject: JobSubject,
    /// The runner, which does the work.
    pub runner: Runner,
    /// The number of allowed attempts.
    pub attempts: u8,
}

impl From<&JobSubmitted> for JobSpec {
    fn from(submitted: &JobSubmitted) -> Self {
        Self {
            kind: submitted.kind.clone(),
            subject: submitted.subject.clone(),
            runner: submitted.runner,
            attempts: submitted.attempts,
        }
    }
}

/// The droplet or cluster that a job concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobSubject {
    /// A droplet.
    Droplet(DropletId),
    /// A whole cluster.
    Cluster(ClusterName),
}

/// The one that does a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Runner {
    /// The platform itself.
    #[default]
    Platform,
    /// An outside agent, which reports on its work.
    Agent,
}

impl Runner {
    /// Returns the name in events and in the API: `PLATFORM`, `AGENT`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "PLATFORM",
            Self::Agent => "AGENT",
        }
    }
}
