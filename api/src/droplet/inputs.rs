//! The inputs of mutations about droplets.

use async_graphql::{ID, InputObject};

use super::address::AddressKind;
use super::provisioner::Provisioner;
use crate::graph::scalars::Time;

/// The droplet to request.
#[derive(InputObject)]
pub(crate) struct ProvisionDropletInput {
    /// The name of the droplet, which no other living droplet of the organization may have. The name has 1
    /// to 255 letters, digits, dots and hyphens, and ends with a letter or digit.
    pub(crate) name: String,
    /// The slug of one of the catalogue's sizes.
    pub(crate) size: String,
    /// The slug of a region that offers the size.
    pub(crate) region: String,
    /// The slug of an image that fits on the size's disk.
    pub(crate) image: String,
    /// The tags of the droplet, at most 64. Each tag has 1 to 255 letters, digits, underscores, colons and
    /// hyphens.
    #[graphql(default)]
    pub(crate) tags: Vec<String>,
    /// The id of the cluster to which the droplet will belong.
    pub(crate) cluster: Option<ID>,
    /// The party that creates and removes the droplet's machine.
    #[graphql(default_with = "Provisioner::Platform")]
    pub(crate) provisioner: Provisioner,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A new name for a droplet.
#[derive(InputObject)]
pub(crate) struct RenameDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The new name, by the rule of `ProvisionDropletInput.name`.
    pub(crate) name: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A tag to add to a droplet.
#[derive(InputObject)]
pub(crate) struct TagDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The tag.
    pub(crate) tag: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A tag to remove from a droplet.
#[derive(InputObject)]
pub(crate) struct UntagDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The tag.
    pub(crate) tag: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// The droplet to protect from deletion.
#[derive(InputObject)]
pub(crate) struct ProtectDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// The droplet whose protection from deletion ends.
#[derive(InputObject)]
pub(crate) struct UnprotectDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// The droplet to delete.
#[derive(InputObject)]
pub(crate) struct DeleteDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A droplet whose machine runs.
#[derive(InputObject)]
pub(crate) struct ReportDropletActiveInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The addresses at which the droplet can be reached, if any yet; at most 16.
    #[graphql(default)]
    pub(crate) addresses: Vec<AddressInput>,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// An address of a droplet.
#[derive(InputObject)]
pub(crate) struct AddressInput {
    /// The network from which the address can be reached.
    pub(crate) kind: AddressKind,
    /// The address, of IP version 4 or 6.
    pub(crate) ip: String,
}

/// A droplet whose machine could not be created.
#[derive(InputObject)]
pub(crate) struct ReportDropletFailedInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The reason for the failure, for people; at most 2,000 characters.
    pub(crate) reason: String,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}

/// A droplet whose machine no longer exists.
#[derive(InputObject)]
pub(crate) struct ReportDropletDeletedInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The time of the event, if not now. Only agents may give it.
    pub(crate) occurred_at: Option<Time>,
}
