//! What may be asked of a droplet.

use std::collections::BTreeSet;

use super::spec::{Address, Provisioner};
use crate::ids::ClusterId;
use crate::name::DropletName;
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};
use crate::tag::Tag;

/// What may be asked of a droplet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropletCommand {
    /// A user wants a machine.
    Provision {
        /// Its name; that no other live droplet has it is for the caller to reserve.
        name: DropletName,
        /// One of the catalogue.
        size: SizeSlug,
        /// One that offers the size.
        region: RegionSlug,
        /// One that fits on the size's disk.
        image: ImageSlug,
        /// At most [`MAX_TAGS`](super::MAX_TAGS).
        tags: BTreeSet<Tag>,
        /// The cluster that it is to belong to, if any; that the cluster takes it is for the caller to check.
        cluster: Option<ClusterId>,
        /// Who makes and removes the machine.
        provisioner: Provisioner,
    },
    /// A user wants it changed, or its provisioner reports on it.
    Update(DropletUpdate),
    /// A user wants it gone.
    RequestDeletion,
}

/// A change of a droplet that needs nothing but the droplet: a wish of a user, or a report of the
/// droplet's provisioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropletUpdate {
    /// The provisioner made the machine, and it runs.
    ReportActive {
        /// Where it can be reached, at most [`MAX_ADDRESSES`](super::MAX_ADDRESSES). An agent may
        /// report none, because a machine can run before it has an address.
        addresses: Vec<Address>,
    },
    /// The provisioner gave up making the machine.
    ReportFailed {
        /// Why, for people.
        reason: String,
    },
    /// A user wants another name for it.
    Rename {
        /// The new name; that no other live droplet has it is for the caller to reserve.
        name: DropletName,
    },
    /// A user wants it to carry a tag.
    Tag {
        /// The tag.
        tag: Tag,
    },
    /// A user wants it not to carry a tag.
    Untag {
        /// The tag.
        tag: Tag,
    },
    /// A user wants deletion to be refused.
    Protect,
    /// A user wants deletion to be possible again.
    Unprotect,
    /// The provisioner removed the machine, or whatever there was of it.
    ReportDeleted,
}

impl From<DropletUpdate> for DropletCommand {
    fn from(update: DropletUpdate) -> Self {
        Self::Update(update)
    }
}
