//! What a job is doing, and what may come next: the one table of its transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::JobEvent;

/// What a job is doing, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    /// Waits for its runner.
    Submitted,
    /// Is being done.
    Running,
    /// Is done.
    Succeeded,
    /// Could not be done.
    Failed,
    /// Is no longer to be done.
    Cancelled,
}

impl JobStatus {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 5] = [
        Self::Submitted,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in read models and in the API, such as `RUNNING`.
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
    /// The status after an event, or `None` when the event cannot come after that status (`None`
    /// before the first event).
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
