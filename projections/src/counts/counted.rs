//! What a resource is counted as, and how events change that: pure.

use domain::droplet::{DropletEvent, DropletStatus};
use domain::event::Event;
use domain::job::{JobEvent, JobStatus};
use domain::name::JobKind;
use domain::slug::{RegionSlug, SizeSlug};
use event_store::envelope::Recorded;
use serde::{Deserialize, Serialize};

use super::Dimension;
use crate::fold::UnexpectedEvent;

/// What a resource is counted as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Counted {
    /// A droplet.
    Droplet {
        /// Its status.
        status: DropletStatus,
        /// Its size.
        size: SizeSlug,
        /// Its region.
        region: RegionSlug,
    },
    /// A job.
    Job {
        /// Its status.
        status: JobStatus,
        /// Its kind.
        kind: JobKind,
    },
}

impl Counted {
    /// What it is counted as after the event.
    pub(super) fn fold(before: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        match &event.event {
            Event::Droplet(happened) => Self::fold_droplet(before, event, happened),
            Event::Job(happened) => Self::fold_job(before, event, happened),
        }
    }

    /// The counters that it adds one to.
    pub(super) fn counters(&self) -> Vec<(Dimension, &str)> {
        match self {
            Self::Droplet {
                status,
                size,
                region,
            } => {
                let mut counters = vec![(Dimension::DropletStatus, status.as_str())];
                if is_living(*status) {
                    counters.push((Dimension::DropletSize, size.as_str()));
                    counters.push((Dimension::DropletRegion, region.as_str()));
                }
                counters
            }
            Self::Job { status, kind } => vec![
                (Dimension::JobStatus, status.as_str()),
                (Dimension::JobKind, kind.as_str()),
            ],
        }
    }

    fn fold_droplet(
        before: Option<Self>,
        event: &Recorded,
        happened: &DropletEvent,
    ) -> Result<Self, UnexpectedEvent> {
        let (from, spec) = match (before, happened) {
            (
                Some(Self::Droplet {
                    status,
                    size,
                    region,
                }),
                _,
            ) => (Some(status), (size, region)),
            (None, DropletEvent::Requested(requested)) => {
                let spec = (requested.size.clone(), requested.region.clone());
                (None, spec)
            }
            (None | Some(Self::Job { .. }), _) => {
                return Err(UnexpectedEvent::misplaced(event, None));
            }
        };
        let (size, region) = spec;
        let status = DropletStatus::after(from, happened)
            .ok_or_else(|| UnexpectedEvent::misplaced(event, from.map(DropletStatus::as_str)))?;
        Ok(Self::Droplet {
            status,
            size,
            region,
        })
    }

    fn fold_job(
        before: Option<Self>,
        event: &Recorded,
        happened: &JobEvent,
    ) -> Result<Self, UnexpectedEvent> {
        let (from, kind) = match (before, happened) {
            (Some(Self::Job { status, kind }), _) => (Some(status), kind),
            (None, JobEvent::Submitted(submitted)) => (None, submitted.kind.clone()),
            (None | Some(Self::Droplet { .. }), _) => {
                return Err(UnexpectedEvent::misplaced(event, None));
            }
        };
        let status = JobStatus::after(from, happened)
            .ok_or_else(|| UnexpectedEvent::misplaced(event, from.map(JobStatus::as_str)))?;
        Ok(Self::Job { status, kind })
    }
}

/// Whether there is a machine, or one is being made or removed.
fn is_living(status: DropletStatus) -> bool {
    match status {
        DropletStatus::Requested | DropletStatus::Active | DropletStatus::Deleting => true,
        DropletStatus::Failed | DropletStatus::Deleted => false,
    }
}

#[cfg(test)]
mod tests {
    use domain::event::Event;

    use domain::event::DomainEvent;

    use super::*;
    use crate::testing::history;

    fn counters_after(events: impl IntoIterator<Item: Into<Event>>) -> Vec<(&'static str, String)> {
        let counted = history(events)
            .iter()
            .try_fold(None, |counted, event| {
                Counted::fold(counted, event).map(Some)
            })
            .expect("the history makes sense")
            .expect("there are events");
        let counters = counted.counters().into_iter();
        counters
            .map(|(dimension, value)| (dimension.as_str(), value.to_owned()))
            .collect()
    }

    #[test]
    fn a_living_droplet_counts_by_status_size_and_region() {
        assert_eq!(
            counters_after(DropletEvent::samples().into_iter().take(2)),
            [
                ("droplet_status", "ACTIVE".to_owned()),
                ("droplet_size", "s-1vcpu-1gb".to_owned()),
                ("droplet_region", "nyc3".to_owned()),
            ]
        );
    }

    #[test]
    fn a_droplet_at_its_end_counts_by_status_only() {
        let mut samples = DropletEvent::samples().into_iter();
        let (requested, failed) = (samples.next(), samples.nth(1));
        assert_eq!(
            counters_after(requested.into_iter().chain(failed)),
            [("droplet_status", "FAILED".to_owned())]
        );
    }

    #[test]
    fn a_job_counts_by_status_and_kind() {
        assert_eq!(
            counters_after(JobEvent::samples().into_iter().take(2)),
            [
                ("job_status", "RUNNING".to_owned()),
                ("job_kind", "batch".to_owned()),
            ]
        );
    }

    #[test]
    fn an_event_without_a_beginning_makes_no_sense() {
        for events in [
            DropletEvent::samples().remove(1).into(),
            JobEvent::samples().remove(1).into(),
        ] {
            let events: Vec<Event> = vec![events];
            assert!(Counted::fold(None, &history(events)[0]).is_err());
        }
    }
}
