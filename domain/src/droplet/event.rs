//! The events of a droplet.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::spec::{Address, AddressKind, Provisioner};
use crate::event::event_enum;
use crate::ids::ClusterId;
use crate::money::MicroDollars;
use crate::name::{ClusterName, DropletName};
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};
use crate::tag::Tag;

event_enum! {
    /// An event of a droplet's stream.
    pub enum DropletEvent {
        Requested(DropletRequested) = "droplet_requested", version 3, sample sample_of_requested();
        Activated(DropletActivated) = "droplet_activated", version 1, sample sample_of_activated();
        ProvisioningFailed(DropletProvisioningFailed) = "droplet_provisioning_failed", version 1,
            sample DropletProvisioningFailed { reason: "unschedulable".to_owned() };
        Renamed(DropletRenamed) = "droplet_renamed", version 1,
            sample DropletRenamed { from: name("web-1"), name: name("web-2") };
        Tagged(DropletTagged) = "droplet_tagged", version 1,
            sample DropletTagged { tag: tag("qos:LS") };
        Untagged(DropletUntagged) = "droplet_untagged", version 1,
            sample DropletUntagged { tag: tag("qos:LS") };
        Protected(DropletProtected) = "droplet_protected", version 1, sample DropletProtected {};
        Unprotected(DropletUnprotected) = "droplet_unprotected", version 1,
            sample DropletUnprotected {};
        DeletionRequested(DropletDeletionRequested) = "droplet_deletion_requested", version 1,
            sample DropletDeletionRequested {};
        Deleted(DropletDeleted) = "droplet_deleted", version 1, sample DropletDeleted {};
    }
}

/// A user requested a droplet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletRequested {
    /// The name of the droplet.
    pub name: DropletName,
    /// The size of the droplet, by the catalogue.
    pub size: SizeSlug,
    /// The region of the droplet.
    pub region: RegionSlug,
    /// The initial image of the droplet.
    pub image: ImageSlug,
    /// The tags of the droplet.
    pub tags: BTreeSet<Tag>,
    /// The cluster of the droplet, if any. Since version 3; before, clusters were labels.
    pub cluster: Option<ClusterId>,
    /// The label of a cluster that a request of version 1 or 2 carried. No rule reads the label.
    pub cluster_label: Option<ClusterName>,
    /// The provisioner that is to make the machine. Since version 2; before, the provisioner was always the
    /// platform.
    pub provisioner: Provisioner,
    /// The date of the catalogue that the following fields are from.
    pub catalogue: String,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Disk in GiB.
    pub disk_gib: u32,
    /// The price of an hour.
    pub price_hourly_micros: MicroDollars,
    /// The price of a month.
    pub price_monthly_micros: MicroDollars,
}

/// The machine was made, and runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletActivated {
    /// The addresses of the droplet; possibly none yet.
    pub addresses: Vec<Address>,
}

/// The machine could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletProvisioningFailed {
    /// The reason, for people.
    pub reason: String,
}

/// The droplet got another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletRenamed {
    /// The name before, which is free now.
    pub from: DropletName,
    /// The new name.
    pub name: DropletName,
}

/// The droplet got a tag that it did not carry before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletTagged {
    /// The tag.
    pub tag: Tag,
}

/// The droplet no longer carries a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletUntagged {
    /// The tag.
    pub tag: Tag,
}

/// The deletion of the droplet is rejected from this event on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletProtected {}

/// The deletion of the droplet is possible again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletUnprotected {}

/// A user requested the deletion of the droplet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletDeletionRequested {}

/// Nothing of the droplet's machine is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletDeleted {}

// Samples change together with a schema version only: golden files hold them.

fn sample_of_requested() -> DropletRequested {
    DropletRequested {
        name: name("web-1"),
        size: SizeSlug::parse("s-1vcpu-1gb").expect("the sample is a slug"),
        region: RegionSlug::parse("nyc3").expect("the sample is a slug"),
        image: ImageSlug::parse("ubuntu-24-04-x64").expect("the sample is a slug"),
        tags: BTreeSet::from([tag("env:prod"), tag("qos:LS")]),
        cluster: Some(ClusterId::new(Uuid::from_u128(
            0x0192_3f4a_8c00_7000_8000_0000_0000_00c1,
        ))),
        cluster_label: None,
        provisioner: Provisioner::Agent,
        catalogue: "2026-11-01".to_owned(),
        vcpus: 1,
        memory_mib: 1024,
        disk_gib: 25,
        price_hourly_micros: MicroDollars::new(8_930),
        price_monthly_micros: MicroDollars::new(6_000_000),
    }
}

// The addresses are of the networks that are set apart for documentation.
fn sample_of_activated() -> DropletActivated {
    DropletActivated {
        addresses: vec![
            Address {
                kind: AddressKind::Public,
                ip: IpAddr::V6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x17].into()),
            },
            Address {
                kind: AddressKind::Private,
                ip: Ipv4Addr::new(192, 0, 2, 17).into(),
            },
        ],
    }
}

fn name(text: &str) -> DropletName {
    DropletName::parse(text).expect("the sample is a droplet's name")
}

fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("the sample is a tag")
}
