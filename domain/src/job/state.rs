//! The state of a job, and what can be asked of it.

use serde::{Deserialize, Serialize};

use super::event::{JobProgressed, JobStarted, JobSubmitted};
use super::rejection::JobRejection;
use super::status::JobStatus;
use crate::ids::DropletId;
use crate::name::{ClusterName, JobKind, WorkerName};

/// The state of a job: in each, only what is valid there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Nobody asked for it yet.
    #[default]
    Absent,
    /// Waits for its runner.
    Submitted {
        /// What is to be done.
        spec: JobSpec,
    },
    /// Is being done.
    Running {
        /// What is being done.
        spec: JobSpec,
        /// Who runs it.
        worker: WorkerName,
        /// How much is done, from 0 to 100.
        percent: u8,
        /// What the runner said last.
        message: Option<String>,
    },
    /// Is done. An end.
    Succeeded,
    /// Could not be done. An end.
    Failed,
    /// Is no longer to be done. An end.
    Cancelled,
}

impl Job {
    /// The status, or `None` before the submission.
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

    /// What is to be done, until the end.
    #[must_use]
    pub fn spec(&self) -> Option<&JobSpec> {
        match self {
            Self::Submitted { spec } | Self::Running { spec, .. } => Some(spec),
            Self::Absent | Self::Succeeded | Self::Failed | Self::Cancelled => None,
        }
    }

    /// Who does it, until the end.
    #[must_use]
    pub fn runner(&self) -> Option<Runner> {
        self.spec().map(|spec| spec.runner)
    }

    /// Is being done, where it waited for its runner.
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

    /// Got on, where it is being done. A message stays until another one comes.
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

    /// Says that it was already submitted, where it was.
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

    /// Says why it cannot be started, where it cannot.
    pub(super) fn must_be_waiting(&self) -> Result<(), JobRejection> {
        match self {
            Self::Submitted { .. } => Ok(()),
            Self::Running { .. } => Err(JobRejection::JobAlreadyStarted),
            Self::Absent | Self::Succeeded | Self::Failed | Self::Cancelled => {
                self.must_be_unfinished()
            }
        }
    }

    /// What was reached where it runs, or why it does not run.
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

    /// Says why nothing can happen to it, where nothing can.
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

/// How far a running job got.
pub(super) struct Reached<'job> {
    pub(super) percent: u8,
    pub(super) message: Option<&'job str>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The kind of work.
    pub kind: JobKind,
    /// What it concerns.
    pub subject: JobSubject,
    /// Who does it.
    pub runner: Runner,
    /// How often it may be tried.
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

/// What a job concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobSubject {
    /// One droplet.
    Droplet(DropletId),
    /// All of a cluster.
    Cluster(ClusterName),
}

/// Who does a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Runner {
    /// The platform itself.
    #[default]
    Platform,
    /// An agent outside, which reports what it does.
    Agent,
}

impl Runner {
    /// The name in events and in the API: `PLATFORM`, `AGENT`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "PLATFORM",
            Self::Agent => "AGENT",
        }
    }
}
