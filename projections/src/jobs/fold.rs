//! The pure fold of a job's events into its row.

use chrono::{DateTime, Utc};
use domain::ids::JobId;
use domain::job::{JobEvent, JobStatus, JobSubject, JobSubmitted};
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::envelope::Recorded;
use serde::Serialize;

use super::row::JobRow;
use crate::fold::{UnexpectedEvent, stored_time};
use crate::model::JsonText;

impl JobRow {
    /// Implements [`Model::fold`](crate::model::Model::fold).
    pub(super) fn fold(row: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        let Event::Job(happened) = &event.event else {
            return Err(UnexpectedEvent::foreign(event, StreamType::JOB));
        };
        let before = row.as_ref().map(|row| row.status);
        let misplaced = || UnexpectedEvent::misplaced(event, before.map(JobStatus::as_str));
        let status = JobStatus::after(before, happened).ok_or_else(misplaced)?;
        let mut row = match (row, happened) {
            (Some(row), _) => row,
            (None, JobEvent::Submitted(submitted)) => Self::submitted(event, submitted),
            (None, _) => return Err(misplaced()),
        };
        let occurred_at = stored_time(event.metadata.occurred_at);
        row.change(happened, occurred_at);
        row.status = status;
        row.version = event.version;
        row.updated_at = occurred_at;
        row.recorded_at = stored_time(event.recorded_at);
        Ok(row)
    }

    fn submitted(event: &Recorded, submitted: &JobSubmitted) -> Self {
        let occurred_at = stored_time(event.metadata.occurred_at);
        let (droplet_id, cluster) = match &submitted.subject {
            JobSubject::Droplet(id) => (Some(*id), None),
            JobSubject::Cluster(name) => (None, Some(name.clone())),
        };
        Self {
            id: JobId::new(event.stream.uuid),
            org: event.org.clone(),
            kind: submitted.kind.clone(),
            status: JobStatus::Submitted,
            droplet_id,
            cluster,
            runner: submitted.runner,
            attempts: submitted.attempts,
            parameters: text(&submitted.parameters),
            worker: None,
            percent: 0,
            message: None,
            result: None,
            reason: None,
            version: event.version,
            created_at: occurred_at,
            started_at: None,
            finished_at: None,
            updated_at: occurred_at,
            recorded_at: stored_time(event.recorded_at),
        }
    }

    fn change(&mut self, happened: &JobEvent, occurred_at: DateTime<Utc>) {
        match happened {
            JobEvent::Submitted(_) => {}
            JobEvent::Started(started) => {
                self.worker = Some(started.worker.clone());
                self.started_at = Some(occurred_at);
            }
            JobEvent::Progressed(progressed) => {
                self.percent = self.percent.max(progressed.percent);
                if let Some(message) = &progressed.message {
                    self.message = Some(message.clone());
                }
            }
            JobEvent::Succeeded(succeeded) => {
                self.percent = 100;
                self.result = succeeded.result.as_ref().map(text);
                self.finished_at = Some(occurred_at);
            }
            JobEvent::Failed(failed) => {
                self.reason = Some(failed.error.clone());
                self.finished_at = Some(occurred_at);
            }
            JobEvent::Cancelled(cancelled) => {
                self.reason = Some(cancelled.reason.clone());
                self.finished_at = Some(occurred_at);
            }
        }
    }
}

/// The text of JSON that came in an event.
fn text(value: &impl Serialize) -> JsonText {
    JsonText::of(value).expect("what was read from JSON is JSON")
}

#[cfg(test)]
mod tests {
    use domain::droplet::DropletEvent;
    use domain::job::{JobCancelled, JobFailed, JobProgressed, JobSucceeded};
    use serde_json::json;

    use domain::event::DomainEvent;

    use super::*;
    use crate::testing::{history, minute, recorded};

    fn submitted() -> JobEvent {
        JobEvent::samples().remove(0)
    }

    fn started() -> JobEvent {
        JobEvent::samples().remove(1)
    }

    fn progressed(percent: u8, message: Option<&str>) -> JobEvent {
        let message = message.map(str::to_owned);
        JobProgressed { percent, message }.into()
    }

    fn folded(events: Vec<JobEvent>) -> JobRow {
        let events = history(events);
        let row = events
            .iter()
            .try_fold(None, |row, event| JobRow::fold(row, event).map(Some));
        row.expect("the history makes sense")
            .expect("there are events")
    }

    #[test]
    fn a_submission_fills_the_row() {
        let row = folded(vec![submitted()]);
        assert_eq!(row.kind.as_str(), "batch");
        assert_eq!(row.status, JobStatus::Submitted);
        assert!(row.droplet_id.is_some() && row.cluster.is_none());
        assert_eq!((row.attempts, row.percent), (3, 0));
        assert!(row.parameters.as_str().contains(r#""model":"V100""#));
        assert_eq!((row.started_at, row.finished_at), (None, None));
    }

    #[test]
    fn progress_keeps_the_last_message() {
        let row = folded(vec![
            submitted(),
            started(),
            progressed(30, Some("copying")),
            progressed(75, None),
        ]);
        assert_eq!((row.status, row.percent), (JobStatus::Running, 75));
        assert_eq!(row.message.as_deref(), Some("copying"));
        assert_eq!(row.worker.expect("has one").as_str(), "worker-7");
        assert_eq!(row.started_at, Some(minute(2)));
    }

    #[test]
    fn success_is_complete_and_keeps_its_result() {
        let result = Some(json!({"rows": 42}));
        let succeeded = JobSucceeded {
            result: result.clone(),
        };
        let row = folded(vec![submitted(), started(), succeeded.into()]);
        assert_eq!((row.status, row.percent), (JobStatus::Succeeded, 100));
        assert_eq!(row.result, result.as_ref().map(text));
        assert_eq!(row.finished_at, Some(minute(3)));
    }

    #[test]
    fn failure_and_cancellation_keep_their_reasons() {
        let failed = JobFailed {
            error: "out of memory".to_owned(),
        };
        let row = folded(vec![submitted(), started(), failed.into()]);
        assert_eq!(row.status, JobStatus::Failed);
        assert_eq!(row.reason.as_deref(), Some("out of memory"));
        let cancelled = JobCancelled {
            reason: "evicted".to_owned(),
        };
        let row = folded(vec![submitted(), cancelled.into()]);
        assert_eq!(row.status, JobStatus::Cancelled);
        assert_eq!(row.reason.as_deref(), Some("evicted"));
        assert_eq!(row.finished_at, Some(minute(2)));
    }

    #[test]
    fn progress_before_the_start_makes_no_sense() {
        let row = folded(vec![submitted()]);
        let error = JobRow::fold(Some(row), &recorded(2, progressed(10, None).into()));
        assert!(matches!(
            error,
            Err(UnexpectedEvent::Misplaced {
                status: "SUBMITTED",
                ..
            })
        ));
    }

    #[test]
    fn an_event_of_a_droplet_is_refused() {
        let droplet = recorded(1, DropletEvent::samples().remove(0).into());
        let error = JobRow::fold(None, &droplet).expect_err("is not a job's");
        assert!(matches!(error, UnexpectedEvent::Foreign { .. }), "{error}");
    }
}
