//! The inputs of mutations about droplets.

use async_graphql::{ID, InputObject};

use super::address::AddressKind;
use super::provisioner::Provisioner;
use crate::graph::scalars::Time;

/// A droplet that is asked for.
#[derive(InputObject)]
pub(crate) struct ProvisionDropletInput {
    /// Its name, which no other living droplet of the organization may have: 1 to 255 letters,
    /// digits, dots and hyphens, ending with a letter or digit.
    pub(crate) name: String,
    /// The slug of one of the catalogue's sizes.
    pub(crate) size: String,
    /// The slug of a region that offers the size.
    pub(crate) region: String,
    /// The slug of an image that fits on the size's disk.
    pub(crate) image: String,
    /// Its tags, at most 64: each 1 to 255 letters, digits, underscores, colons and hyphens.
    #[graphql(default)]
    pub(crate) tags: Vec<String>,
    /// The id of the cluster that it is to belong to.
    pub(crate) cluster: Option<ID>,
    /// Who makes and removes its machine.
    #[graphql(default_with = "Provisioner::Platform")]
    pub(crate) provisioner: Provisioner,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A new name for a droplet.
#[derive(InputObject)]
pub(crate) struct RenameDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The new name, by the rule of `ProvisionDropletInput.name`.
    pub(crate) name: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A tag that a droplet is to carry.
#[derive(InputObject)]
pub(crate) struct TagDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The tag.
    pub(crate) tag: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A tag that a droplet is no longer to carry.
#[derive(InputObject)]
pub(crate) struct UntagDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// The tag.
    pub(crate) tag: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A droplet whose deletion is to be refused.
#[derive(InputObject)]
pub(crate) struct ProtectDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A droplet whose deletion is to be possible again.
#[derive(InputObject)]
pub(crate) struct UnprotectDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A droplet that is to go.
#[derive(InputObject)]
pub(crate) struct DeleteDropletInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A droplet whose machine runs.
#[derive(InputObject)]
pub(crate) struct ReportDropletActiveInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// Where it can be reached, if it can be already; at most 16.
    #[graphql(default)]
    pub(crate) addresses: Vec<AddressInput>,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// Where a droplet can be reached.
#[derive(InputObject)]
pub(crate) struct AddressInput {
    /// From where.
    pub(crate) kind: AddressKind,
    /// The address, of IP version 4 or 6.
    pub(crate) ip: String,
}

/// A droplet whose machine could not be made.
#[derive(InputObject)]
pub(crate) struct ReportDropletFailedInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// Why, for people; at most 2,000 characters.
    pub(crate) reason: String,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}

/// A droplet whose machine is gone.
#[derive(InputObject)]
pub(crate) struct ReportDropletDeletedInput {
    /// The droplet's id.
    pub(crate) id: ID,
    /// When this happened, if not now. Only agents may say so.
    pub(crate) occurred_at: Option<Time>,
}
