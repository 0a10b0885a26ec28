//! The storage, labels and sentences of droplets.

use serde_json::{Value, json};

use super::{Droplet, DropletEvent};
use crate::aggregate::{Aggregate, Upcast};
use crate::cluster::live_droplets;
use crate::counter::Counter;
use crate::ids::DropletId;
use crate::unique_name::{NameScope, Reach, UniqueName};

/// The names of live droplets.
pub(super) static DROPLET_NAMES: NameScope = NameScope {
    name: "droplet_name",
    reach: Reach::Organization,
    code: "NAME_TAKEN",
    field: "name",
    holder: "live droplet",
};

impl Aggregate for Droplet {
    type Id = DropletId;

    const UPCASTS: &'static [Upcast] = &[
        Upcast {
            event_type: "droplet_requested",
            from: 1,
            // Before version 2 the platform provisioned every droplet itself.
            step: |payload| {
                payload.insert("provisioner".to_owned(), json!("PLATFORM"));
            },
        },
        Upcast {
            event_type: "droplet_requested",
            from: 2,
            // Before version 3 the field `cluster` was a label, which named no cluster.
            step: |payload| {
                let label = payload.insert("cluster".to_owned(), Value::Null);
                payload.insert("cluster_label".to_owned(), label.unwrap_or_default());
            },
        },
    ];

    fn names(&self) -> Vec<UniqueName> {
        let name = self.live_name().map(|name| UniqueName {
            scope: &DROPLET_NAMES,
            key: name.as_str().to_owned(),
        });
        name.into_iter().collect()
    }

    fn counters(&self) -> Vec<Counter> {
        let cluster = self.spec().and_then(|spec| spec.cluster);
        cluster.map(live_droplets).into_iter().collect()
    }

    fn label(event: &DropletEvent) -> Option<&str> {
        match event {
            DropletEvent::Requested(requested) => Some(requested.name.as_str()),
            DropletEvent::Renamed(renamed) => Some(renamed.name.as_str()),
            DropletEvent::Activated(_)
            | DropletEvent::ProvisioningFailed(_)
            | DropletEvent::Tagged(_)
            | DropletEvent::Untagged(_)
            | DropletEvent::Protected(_)
            | DropletEvent::Unprotected(_)
            | DropletEvent::DeletionRequested(_)
            | DropletEvent::Deleted(_) => None,
        }
    }

    fn narrate(event: &DropletEvent, id: DropletId, label: Option<&str>) -> String {
        let who = label.map_or_else(|| format!("Droplet {id}"), str::to_owned);
        match event {
            DropletEvent::Requested(requested) => {
                let (size, region) = (&requested.size, &requested.region);
                format!("{who} was requested: {size} in {region}")
            }
            DropletEvent::Activated(_) => format!("{who} became active"),
            DropletEvent::ProvisioningFailed(failed) => {
                format!("{who} could not be provisioned: {}", failed.reason)
            }
            DropletEvent::Renamed(renamed) => format!("{} was renamed to {who}", renamed.from),
            DropletEvent::Tagged(tagged) => format!("{who} was given the tag {}", tagged.tag),
            DropletEvent::Untagged(untagged) => format!("{who} lost the tag {}", untagged.tag),
            DropletEvent::Protected(_) => format!("{who} was protected against deletion"),
            DropletEvent::Unprotected(_) => format!("{who} may be deleted again"),
            DropletEvent::DeletionRequested(_) => format!("{who} is to be deleted"),
            DropletEvent::Deleted(_) => format!("{who} was deleted"),
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
        let sentences: Vec<_> = DropletEvent::samples()
            .iter()
            .map(|event| Droplet::narrate(event, Uuid::nil().into(), Some("web-2")))
            .collect();
        assert_eq!(
            sentences,
            [
                "web-2 was requested: s-1vcpu-1gb in nyc3",
                "web-2 became active",
                "web-2 could not be provisioned: unschedulable",
                "web-1 was renamed to web-2",
                "web-2 was given the tag qos:LS",
                "web-2 lost the tag qos:LS",
                "web-2 was protected against deletion",
                "web-2 may be deleted again",
                "web-2 is to be deleted",
                "web-2 was deleted",
            ]
        );
    }

    #[test]
    fn without_a_name_the_id_stands_for_it() {
        let deleted = crate::droplet::DropletDeleted {};
        assert_eq!(
            Droplet::narrate(&deleted.into(), Uuid::from_u128(1).into(), None),
            "Droplet 00000000-0000-0000-0000-000000000001 was deleted"
        );
    }
}
