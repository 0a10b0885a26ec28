//! The statuses of a job, and the one table of their transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::JobEvent;

/// The status of a job, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    /// The job waits for its runner.
    Submitted,
    /// The job runs.
    Running,
    /// The job is done.
    Succeeded,
    /// The job could not be done.
    Failed,
    /// The job was cancelled.
    Cancelled,
}

impl JobStatus {
    /// All statuses, in the order of a job's life.
    pub const ALL: [Self; 5] = [
        Self::Submitted,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Returns the name in read models and in the API, such as `RUNNING`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl JobStatus {
    /// Returns the status after an event, or `None` if the event cannot come after the given status. The
    /// given status is `None` before the first event.
    #[must_use]
    pub fn after(before: Option<Self>, event: &JobEvent) -> Option<Self> {
        let running = before.filter(|status| *status == Self::Running);
        match event {
            JobEvent::Submitted(_) => before.is_none().then_some(Self::Submitted),
            JobEvent::Started(_) => (before == Some(Self::Submitted)).then_some(Self::Running),
            JobEvent::Progressed(_) => running,
            JobEvent::Succeeded(_) => running.map(|_| Self::Succeeded),
            JobEvent::Failed(_) => running.map(|_| Self::Failed),
            JobEvent::Cancelled(_) => {
                matches!(before, Some(Self::Submitted | Self::Running)).then_some(Self::Cancelled)
            }
        }
    }
}
