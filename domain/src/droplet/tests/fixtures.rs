//! Commands, histories and values for the tests of droplets.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;

use super::super::*;
use crate::name::DropletName;
use crate::tag::Tag;

/// One of each command, in order. A new command must be put between two others here.
pub(super) fn commands() -> Vec<DropletCommand> {
    let next = |previous: &DropletCommand| {
        let update = match previous {
            DropletCommand::Provision { .. } => DropletUpdate::ReportActive {
                addresses: numbered_addresses(1),
            },
            DropletCommand::Update(update) => match update {
                DropletUpdate::ReportActive { .. } => DropletUpdate::ReportFailed {
                    reason: "no capacity".to_owned(),
                },
                DropletUpdate::ReportFailed { .. } => DropletUpdate::Rename { name: name("new") },
                DropletUpdate::Rename { .. } => DropletUpdate::Tag { tag: tag("new") },
                DropletUpdate::Tag { .. } => DropletUpdate::Untag {
                    tag: tag("env:prod"),
                },
                DropletUpdate::Untag { .. } => DropletUpdate::Protect,
                DropletUpdate::Protect => DropletUpdate::Unprotect,
                DropletUpdate::Unprotect => return Some(DropletCommand::RequestDeletion),
                DropletUpdate::ReportDeleted => return None,
            },
            DropletCommand::RequestDeletion => DropletUpdate::ReportDeleted,
        };
        Some(update.into())
    };
    std::iter::successors(Some(provision()), next).collect()
}

/// A history that leads to each state, in the order of the tables' columns.
pub(super) fn states() -> Vec<Vec<DropletEvent>> {
    std::iter::once(None)
        .chain(DropletStatus::ALL.map(Some))
        .map(history)
        .collect()
}

pub(super) fn history(status: Option<DropletStatus>) -> Vec<DropletEvent> {
    let requested = DropletEvent::from(requested());
    let activated = DropletEvent::from(DropletActivated {
        addresses: numbered_addresses(1),
    });
    let failed = DropletProvisioningFailed {
        reason: "no capacity".to_owned(),
    };
    let deleting = DropletEvent::from(DropletDeletionRequested {});
    match status {
        None => vec![],
        Some(DropletStatus::Requested) => vec![requested],
        Some(DropletStatus::Active) => vec![requested, activated],
        Some(DropletStatus::Failed) => vec![requested, failed.into()],
        Some(DropletStatus::Deleting) => vec![requested, activated, deleting],
        Some(DropletStatus::Deleted) => {
            vec![requested, activated, deleting, DropletDeleted {}.into()]
        }
    }
}

pub(super) fn provision() -> DropletCommand {
    provision_of("s-1vcpu-1gb", "nyc3", "ubuntu-24-04-x64")
}

pub(super) fn provision_of(size_slug: &str, region_slug: &str, image_slug: &str) -> DropletCommand {
    DropletCommand::Provision {
        name: name("web-1"),
        size: slug(size_slug),
        region: slug(region_slug),
        image: slug(image_slug),
        tags: BTreeSet::from([tag("env:prod")]),
        cluster: None,
        provisioner: Provisioner::Platform,
    }
}

/// What comes of [`provision`].
pub(super) fn requested() -> DropletRequested {
    DropletRequested {
        name: name("web-1"),
        size: slug("s-1vcpu-1gb"),
        region: slug("nyc3"),
        image: slug("ubuntu-24-04-x64"),
        tags: BTreeSet::from([tag("env:prod")]),
        cluster: None,
        cluster_label: None,
        provisioner: Provisioner::Platform,
        catalogue: "2026-11-01".to_owned(),
        vcpus: 1,
        memory_mib: 1_024,
        disk_gib: 25,
        price_hourly_micros: crate::money::MicroDollars::new(8_930),
        price_monthly_micros: crate::money::MicroDollars::new(6_000_000),
    }
}

pub(super) fn numbered_tags(count: usize) -> BTreeSet<Tag> {
    (0..count)
        .map(|number| tag(&format!("tag-{number}")))
        .collect()
}

pub(super) fn numbered_addresses(count: u8) -> Vec<Address> {
    (1..=count)
        .map(|number| Address {
            kind: AddressKind::Private,
            ip: [192, 0, 2, number].into(),
        })
        .collect()
}

pub(super) fn name(text: &str) -> DropletName {
    DropletName::parse(text).expect("a good name")
}

pub(super) fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a good tag")
}

pub(super) fn slug<Slug: FromStr<Err: Debug>>(text: &str) -> Slug {
    text.parse().expect("a good slug")
}
