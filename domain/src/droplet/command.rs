//! The commands of a droplet.

use std::collections::BTreeSet;

use super::spec::{Address, Provisioner};
use crate::ids::ClusterId;
use crate::name::DropletName;
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};
use crate::tag::Tag;

/// A request to change a droplet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropletCommand {
    /// Requests a droplet.
    Provision {
        /// The name of the droplet. The caller reserves it, so that no other live droplet has it.
        name: DropletName,
        /// The size, which the catalogue must have.
        size: SizeSlug,
        /// The region, which must offer the size.
        region: RegionSlug,
        /// The image, which must fit on the size's disk.
        image: ImageSlug,
        /// The tags, at most [`MAX_TAGS`](super::MAX_TAGS).
        tags: BTreeSet<Tag>,
        /// The cluster of the droplet, if any. The caller checks that the cluster takes the droplet.
        cluster: Option<ClusterId>,
        /// The provisioner, which makes and removes the machine.
        provisioner: Provisioner,
    },
    /// Changes the droplet, or reports on it by its provisioner.
    Update(DropletUpdate),
    /// Requests the deletion of the droplet.
    RequestDeletion,
}

/// A change of a droplet that needs nothing but the droplet: a request of a user, or a report of the
/// droplet's provisioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropletUpdate {
    /// Reports that the provisioner made the machine, and that it runs.
    ReportActive {
        /// The addresses of the droplet, at most [`MAX_ADDRESSES`](super::MAX_ADDRESSES). An agent may
        /// report none, because a machine can run before it has an address.
        addresses: Vec<Address>,
    },
    /// Reports that the provisioner gave up making the machine.
    ReportFailed {
        /// The reason, for people.
        reason: String,
    },
    /// Gives the droplet another name.
    Rename {
        /// The new name. The caller reserves it, so that no other live droplet has it.
        name: DropletName,
    },
    /// Adds a tag to the droplet.
    Tag {
        /// The tag.
        tag: Tag,
    },
    /// Removes a tag from the droplet.
    Untag {
        /// The tag.
        tag: Tag,
    },
    /// Protects the droplet: its deletion is rejected.
    Protect,
    /// Makes deletion possible again.
    Unprotect,
    /// Reports that the provisioner removed the machine, or whatever there was of it.
    ReportDeleted,
}

impl From<DropletUpdate> for DropletCommand {
    fn from(update: DropletUpdate) -> Self {
        Self::Update(update)
    }
}
