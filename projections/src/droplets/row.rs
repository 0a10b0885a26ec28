//! How events change the row of a droplet: pure.

use domain::droplet::{DropletEvent, DropletRequested, DropletStatus, Protection};
use domain::event::{Event, StreamType};
use domain::ids::DropletId;
use event_store::envelope::Recorded;

use super::DropletRow;
use crate::fold::{Senseless, must_follow, stored_time};

impl DropletRow {
    /// The row after the event; `row` is the one before it, if there was an event before.
    ///
    /// # Errors
    /// When the event cannot have come next; the row is then lost to the caller's fold, and the
    /// stream is to be parked.
    pub fn fold(row: Option<Self>, event: &Recorded) -> Result<Self, Senseless> {
        let Event::Droplet(happened) = &event.event else {
            return Err(Senseless::foreign(event, StreamType::Droplet));
        };
        must_follow(row.as_ref().map(|row| row.version), event)?;
        let before = row.as_ref().map(|row| row.status);
        let misplaced = || Senseless::misplaced(event, before.map(DropletStatus::as_str));
        let status = next_status(before, happened).ok_or_else(misplaced)?;
        let mut row = match (row, happened) {
            (Some(row), _) => row,
            (None, DropletEvent::Requested(requested)) => Self::requested(event, requested),
            (None, _) => return Err(misplaced()),
        };
        row.change(happened);
        row.status = status;
        row.version = event.version;
        row.updated_at = stored_time(event.metadata.occurred_at);
        row.recorded_at = stored_time(event.recorded_at);
        Ok(row)
    }

    fn requested(event: &Recorded, requested: &DropletRequested) -> Self {
        let occurred_at = stored_time(event.metadata.occurred_at);
        Self {
            id: DropletId::new(event.stream.uuid),
            org: event.org.clone(),
            name: requested.name.clone(),
            status: DropletStatus::Requested,
            size: requested.size.clone(),
            region: requested.region.clone(),
            image: requested.image.clone(),
            tags: requested.tags.clone(),
            cluster: requested.cluster.clone(),
            provisioner: requested.provisioner,
            protection: Protection::Unprotected,
            vcpus: requested.vcpus,
            memory_mib: requested.memory_mib,
            disk_gib: requested.disk_gib,
            price_hourly: requested.price_hourly_micros,
            price_monthly: requested.price_monthly_micros,
            addresses: Vec::new(),
            failure_reason: None,
            version: event.version,
            created_at: occurred_at,
            updated_at: occurred_at,
            recorded_at: stored_time(event.recorded_at),
        }
    }

    fn change(&mut self, happened: &DropletEvent) {
        match happened {
            DropletEvent::Requested(_) => {}
            DropletEvent::Activated(activated) => self.addresses.clone_from(&activated.addresses),
            DropletEvent::ProvisioningFailed(failed) => {
                self.failure_reason = Some(failed.reason.clone());
            }
            DropletEvent::Renamed(renamed) => self.name = renamed.name.clone(),
            DropletEvent::Tagged(tagged) => {
                self.tags.insert(tagged.tag.clone());
            }
            DropletEvent::Untagged(untagged) => {
                self.tags.remove(&untagged.tag);
            }
            DropletEvent::Protected(_) => self.protection = Protection::Protected,
            DropletEvent::Unprotected(_) => self.protection = Protection::Unprotected,
            DropletEvent::DeletionRequested(_) | DropletEvent::Deleted(_) => self.addresses.clear(),
        }
    }
}

/// The status after the event, or `None` when the event cannot have come after that status.
pub(crate) fn next_status(
    before: Option<DropletStatus>,
    happened: &DropletEvent,
) -> Option<DropletStatus> {
    use DropletStatus::{Active, Deleted, Deleting, Failed, Requested};
    let changeable = before.filter(|status| matches!(status, Requested | Active));
    match happened {
        DropletEvent::Requested(_) => before.is_none().then_some(Requested),
        DropletEvent::Activated(_) => (before == Some(Requested)).then_some(Active),
        DropletEvent::ProvisioningFailed(_) => (before == Some(Requested)).then_some(Failed),
        DropletEvent::Renamed(_)
        | DropletEvent::Tagged(_)
        | DropletEvent::Untagged(_)
        | DropletEvent::Protected(_)
        | DropletEvent::Unprotected(_) => changeable,
        DropletEvent::DeletionRequested(_) => changeable.map(|_| Deleting),
        DropletEvent::Deleted(_) => (before == Some(Deleting)).then_some(Deleted),
    }
}
