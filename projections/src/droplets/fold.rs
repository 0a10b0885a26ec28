//! The pure fold of a droplet's events into its row.

use domain::droplet::{DropletEvent, DropletRequested, DropletStatus, Protection};
use domain::ids::DropletId;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::envelope::Recorded;

use super::row::DropletRow;
use crate::fold::{UnexpectedEvent, stored_time};

impl DropletRow {
    /// Implements [`Model::fold`](crate::model::Model::fold).
    pub(super) fn fold(row: Option<Self>, event: &Recorded) -> Result<Self, UnexpectedEvent> {
        let Event::Droplet(happened) = &event.event else {
            return Err(UnexpectedEvent::foreign(event, StreamType::DROPLET));
        };
        let before = row.as_ref().map(|row| row.status);
        let misplaced = || UnexpectedEvent::misplaced(event, before.map(DropletStatus::as_str));
        let status = DropletStatus::after(before, happened).ok_or_else(misplaced)?;
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
            cluster: requested.cluster,
            cluster_label: requested.cluster_label.clone(),
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

#[cfg(test)]
mod tests {
    use domain::droplet::{
        DropletDeleted, DropletDeletionRequested, DropletProtected, DropletProvisioningFailed,
        DropletRenamed, DropletTagged, DropletUnprotected, DropletUntagged,
    };
    use domain::job::JobEvent;
    use domain::name::{ClusterName, DropletName};
    use domain::tag::Tag;

    use domain::event::DomainEvent;

    use super::*;
    use crate::droplets::Droplets;
    use crate::model;
    use crate::testing::{history, minute, recorded};

    fn requested() -> DropletEvent {
        DropletEvent::samples().remove(0)
    }

    fn activated() -> DropletEvent {
        DropletEvent::samples().remove(1)
    }

    fn tag(text: &str) -> Tag {
        Tag::parse(text).expect("is a tag")
    }

    fn folded(events: Vec<DropletEvent>) -> DropletRow {
        let events = history(events);
        let row = events
            .iter()
            .try_fold(None, |row, event| DropletRow::fold(row, event).map(Some));
        row.expect("the history makes sense")
            .expect("there are events")
    }

    #[test]
    fn a_request_fills_the_row() {
        let row = folded(vec![requested()]);
        assert_eq!(row.name.as_str(), "web-1");
        assert_eq!(row.status, DropletStatus::Requested);
        assert_eq!(row.protection, Protection::Unprotected);
        assert_eq!(row.tags, [tag("env:prod"), tag("qos:LS")].into());
        assert_eq!((row.vcpus, row.memory_mib, row.disk_gib), (1, 1024, 25));
        assert_eq!(row.price_hourly.to_string(), "$0.00893");
        assert_eq!((row.version.0, row.created_at), (1, minute(1)));
    }

    #[test]
    fn an_old_request_shows_its_label_and_no_cluster() {
        let DropletEvent::Requested(mut requested) = requested() else {
            panic!("the first sample is the request");
        };
        requested.cluster = None;
        requested.cluster_label = ClusterName::parse("blue").ok();
        let row = folded(vec![requested.into()]);
        let label = row.cluster_label.as_ref().map(ClusterName::as_str);
        assert_eq!((row.cluster, label), (None, Some("blue")));
    }

    #[test]
    fn an_active_droplet_has_addresses_until_it_is_being_deleted() {
        let row = folded(vec![requested(), activated()]);
        assert_eq!(
            (row.status, row.addresses.len()),
            (DropletStatus::Active, 2)
        );
        assert_eq!((row.created_at, row.updated_at), (minute(1), minute(2)));
        let row = folded(vec![
            requested(),
            activated(),
            DropletDeletionRequested {}.into(),
        ]);
        assert_eq!(
            (row.status, row.addresses.len()),
            (DropletStatus::Deleting, 0)
        );
    }

    #[test]
    fn a_deleted_droplet_keeps_what_it_was() {
        let row = folded(vec![
            requested(),
            DropletDeletionRequested {}.into(),
            DropletDeleted {}.into(),
        ]);
        assert_eq!(row.status, DropletStatus::Deleted);
        assert_eq!(row.name.as_str(), "web-1");
    }

    #[test]
    fn a_failure_keeps_its_reason() {
        let failed = DropletProvisioningFailed {
            reason: "no capacity".to_owned(),
        };
        let row = folded(vec![requested(), failed.into()]);
        assert_eq!(row.status, DropletStatus::Failed);
        assert_eq!(row.failure_reason.as_deref(), Some("no capacity"));
    }

    #[test]
    fn names_tags_and_protection_change_without_the_status() {
        let name = |text| DropletName::parse(text).expect("is a name");
        let row = folded(vec![
            requested(),
            DropletRenamed {
                from: name("web-1"),
                name: name("web-9"),
            }
            .into(),
            DropletTagged { tag: tag("hot") }.into(),
            DropletUntagged {
                tag: tag("env:prod"),
            }
            .into(),
            DropletProtected {}.into(),
        ]);
        assert_eq!(row.name.as_str(), "web-9");
        assert_eq!(row.tags, [tag("hot"), tag("qos:LS")].into());
        assert_eq!(row.protection, Protection::Protected);
        assert_eq!(row.status, DropletStatus::Requested);
        let events = vec![
            requested(),
            DropletProtected {}.into(),
            DropletUnprotected {}.into(),
        ];
        assert_eq!(folded(events).protection, Protection::Unprotected);
    }

    #[test]
    fn an_activation_before_the_request_makes_no_sense() {
        let error = DropletRow::fold(None, &recorded(1, activated().into()));
        let stream = recorded(1, activated().into()).stream;
        assert_eq!(
            error,
            Err(UnexpectedEvent::Misplaced {
                stream,
                event_type: "droplet_activated",
                status: "ABSENT"
            })
        );
    }

    #[test]
    fn nothing_happens_after_the_end() {
        let deleted = folded(vec![
            requested(),
            DropletDeletionRequested {}.into(),
            DropletDeleted {}.into(),
        ]);
        for event in DropletEvent::samples() {
            let next = recorded(4, event.into());
            assert!(DropletRow::fold(Some(deleted.clone()), &next).is_err());
        }
    }

    #[test]
    fn a_left_out_and_a_repeated_event_are_noticed() {
        let row = folded(vec![requested()]);
        for version in [1, 3] {
            let next = recorded(version, activated().into());
            let error = model::fold::<Droplets>(Some(row.clone()), &next);
            assert!(
                matches!(error, Err(UnexpectedEvent::OutOfOrder { .. })),
                "{version}"
            );
        }
    }

    #[test]
    fn an_event_of_a_job_is_refused() {
        let job = recorded(1, JobEvent::samples().remove(0).into());
        let error = DropletRow::fold(None, &job).expect_err("is not a droplet's");
        assert!(matches!(error, UnexpectedEvent::Foreign { .. }), "{error}");
    }
}
