//! The labels and sentences of jobs.

use super::{Job, JobEvent, JobSubject};
use crate::aggregate::Aggregate;
use crate::ids::JobId;

impl Aggregate for Job {
    type Id = JobId;

    fn label(event: &JobEvent) -> Option<&str> {
        match event {
            JobEvent::Submitted(submitted) => Some(submitted.kind.as_str()),
            JobEvent::Started(_)
            | JobEvent::Progressed(_)
            | JobEvent::Succeeded(_)
            | JobEvent::Failed(_)
            | JobEvent::Cancelled(_) => None,
        }
    }

    fn narrate(event: &JobEvent, id: JobId, label: Option<&str>) -> String {
        let who = match label {
            Some(kind) => format!("The {kind} job"),
            None => format!("Job {id}"),
        };
        match event {
            JobEvent::Submitted(submitted) => match &submitted.subject {
                JobSubject::Droplet(id) => format!("{who} was submitted for droplet {id}"),
                JobSubject::Cluster(name) => {
                    format!("{who} was submitted for the cluster {name}")
                }
            },
            JobEvent::Started(started) => format!("{who} was started by {}", started.worker),
            JobEvent::Progressed(progressed) => match &progressed.message {
                Some(message) => format!("{who} is at {} %: {message}", progressed.percent),
                None => format!("{who} is at {} %", progressed.percent),
            },
            JobEvent::Succeeded(_) => format!("{who} succeeded"),
            JobEvent::Failed(failed) => format!("{who} failed: {}", failed.error),
            JobEvent::Cancelled(cancelled) => format!("{who} was cancelled: {}", cancelled.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::DomainEvent;

    #[test]
    fn every_event_has_its_sentence() {
        let sentences: Vec<_> = JobEvent::samples()
            .iter()
            .map(|event| Job::narrate(event, Uuid::nil().into(), Some("batch")))
            .collect();
        assert_eq!(
            sentences,
            [
                "The batch job was submitted for droplet 01923f4a-8c00-7000-8000-000000000001",
                "The batch job was started by worker-7",
                "The batch job is at 30 %: copying the image",
                "The batch job succeeded",
                "The batch job failed: out of memory",
                "The batch job was cancelled: evicted",
            ]
        );
    }
}
