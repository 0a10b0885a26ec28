//! Declares the dimensions of droplets, and the pure fold of their events for counting.

use domain::droplet::{DropletEvent, DropletStatus};
use domain::registry::Event;
use domain::slug::{RegionSlug, SizeSlug};
use domain::stream_type::StreamType;
use event_store::envelope::Recorded;
use serde::{Deserialize, Serialize};

use crate::fold::UnexpectedEvent;
use crate::model::{Counted, Dimension};

/// Droplets by status, deleted ones too.
pub const BY_STATUS: Dimension = Dimension("droplet_status");
/// Living droplets (requested, active, deleting) by size.
pub const BY_SIZE: Dimension = Dimension("droplet_size");
/// Living droplets (requested, active, deleting) by region.
pub const BY_REGION: Dimension = Dimension("droplet_region");

/// The facts of a droplet that its counters depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CountedDroplet {
    status: DropletStatus,
    size: SizeSlug,
    region: RegionSlug,
}

impl Counted for CountedDroplet {
    fn fold(before: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        let Event::Droplet(happened) = &event.event else {
            return Err(UnexpectedEvent::foreign(event, StreamType::DROPLET));
        };
        let from = before.as_ref().map(|counted| counted.status);
        let misplaced = || UnexpectedEvent::misplaced(event, from.map(DropletStatus::as_str));
        let status = DropletStatus::after(from, happened).ok_or_else(misplaced)?;
        match (before, happened) {
            (Some(counted), _) => Ok(Self { status, ..counted }),
            (None, DropletEvent::Requested(requested)) => Ok(Self {
                status,
                size: requested.size.clone(),
                region: requested.region.clone(),
            }),
            (None, _) => Err(misplaced()),
        }
    }

    fn counters(&self) -> Vec<(Dimension, &str)> {
        let mut counters = vec![(BY_STATUS, self.status.as_str())];
        if is_living(self.status) {
            counters.push((BY_SIZE, self.size.as_str()));
            counters.push((BY_REGION, self.region.as_str()));
        }
        counters
    }
}

/// True if there is a machine, or one is being made or removed.
fn is_living(status: DropletStatus) -> bool {
    match status {
        DropletStatus::Requested | DropletStatus::Active | DropletStatus::Deleting => true,
        DropletStatus::Failed | DropletStatus::Deleted => false,
    }
}

#[cfg(test)]
mod tests {
    use domain::event::DomainEvent;

    use super::*;
    use crate::testing::{counters_after, history};

    #[test]
    fn a_living_droplet_counts_by_status_size_and_region() {
        assert_eq!(
            counters_after::<CountedDroplet>(DropletEvent::samples().into_iter().take(2)),
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
            counters_after::<CountedDroplet>(requested.into_iter().chain(failed)),
            [("droplet_status", "FAILED".to_owned())]
        );
    }

    #[test]
    fn an_event_without_a_beginning_makes_no_sense() {
        let events = history([DropletEvent::samples().remove(1)]);
        assert!(CountedDroplet::fold(None, &events[0]).is_err());
    }
}
