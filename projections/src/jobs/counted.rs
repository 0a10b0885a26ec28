//! Declares the dimensions of jobs, and the pure fold of their events for counting.

use domain::job::{JobEvent, JobStatus};
use domain::name::JobKind;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::envelope::Recorded;
use serde::{Deserialize, Serialize};

use crate::fold::UnexpectedEvent;
use crate::model::{Counted, Dimension};

/// Jobs by status.
pub const BY_STATUS: Dimension = Dimension("job_status");
/// Jobs by kind.
pub const BY_KIND: Dimension = Dimension("job_kind");

/// The facts of a job that its counters depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CountedJob {
    status: JobStatus,
    kind: JobKind,
}

impl Counted for CountedJob {
    fn fold(before: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        let Event::Job(happened) = &event.event else {
            return Err(UnexpectedEvent::foreign(event, StreamType::JOB));
        };
        let from = before.as_ref().map(|counted| counted.status);
        let misplaced = || UnexpectedEvent::misplaced(event, from.map(JobStatus::as_str));
        let status = JobStatus::after(from, happened).ok_or_else(misplaced)?;
        match (before, happened) {
            (Some(counted), _) => Ok(Self { status, ..counted }),
            (None, JobEvent::Submitted(submitted)) => Ok(Self {
                status,
                kind: submitted.kind.clone(),
            }),
            (None, _) => Err(misplaced()),
        }
    }

    fn counters(&self) -> Vec<(Dimension, &str)> {
        vec![
            (BY_STATUS, self.status.as_str()),
            (BY_KIND, self.kind.as_str()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use domain::event::DomainEvent;

    use super::*;
    use crate::testing::{counters_after, history};

    #[test]
    fn a_job_counts_by_status_and_kind() {
        assert_eq!(
            counters_after::<CountedJob>(JobEvent::samples().into_iter().take(2)),
            [
                ("job_status", "RUNNING".to_owned()),
                ("job_kind", "batch".to_owned()),
            ]
        );
    }

    #[test]
    fn an_event_without_a_beginning_makes_no_sense() {
        let events = history([JobEvent::samples().remove(1)]);
        assert!(CountedJob::fold(None, &events[0]).is_err());
    }
}
