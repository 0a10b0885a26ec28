//! The properties of a droplet.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::event::DropletRequested;
use crate::ids::ClusterId;
use crate::name::DropletName;
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};
use crate::tag::Tag;

/// The properties of a living droplet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The name of the droplet, unique among the live droplets of its organization.
    pub name: DropletName,
    /// The size of the droplet, by the catalogue of its request.
    pub size: SizeSlug,
    /// The region of the droplet.
    pub region: RegionSlug,
    /// The initial image of the droplet.
    pub image: ImageSlug,
    /// The tags of the droplet.
    pub tags: BTreeSet<Tag>,
    /// The cluster of the droplet, if any.
    pub cluster: Option<ClusterId>,
    /// The provisioner, which makes and removes the machine.
    pub provisioner: Provisioner,
    /// The protection of the droplet against deletion.
    pub protection: Protection,
}

impl From<&DropletRequested> for Spec {
    fn from(requested: &DropletRequested) -> Self {
        Self {
            name: requested.name.clone(),
            size: requested.size.clone(),
            region: requested.region.clone(),
            image: requested.image.clone(),
            tags: requested.tags.clone(),
            cluster: requested.cluster,
            provisioner: requested.provisioner,
            protection: Protection::Unprotected,
        }
    }
}

/// The maker and remover of a droplet's machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Provisioner {
    /// The platform itself, through a provider.
    #[default]
    Platform,
    /// An outside agent, which reports on its work.
    Agent,
}

impl Provisioner {
    /// Returns the name in events and in the API: `PLATFORM`, `AGENT`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "PLATFORM",
            Self::Agent => "AGENT",
        }
    }
}

/// The protection of a droplet against deletion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protection {
    /// The droplet may be deleted.
    #[default]
    Unprotected,
    /// The droplet must be unprotected before it may be deleted.
    Protected,
}

/// An address of a droplet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The network from which the address can be reached.
    pub kind: AddressKind,
    /// The address, of IP version 4 or 6.
    pub ip: IpAddr,
}

/// The network from which an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AddressKind {
    /// An address that can be reached from everywhere.
    Public,
    /// An address that can be reached from the droplet's own network.
    Private,
}

impl AddressKind {
    /// Returns the name in events and in the API: `PUBLIC`, `PRIVATE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Private => "PRIVATE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_json_are_the_names_in_words() {
        for provisioner in [Provisioner::Platform, Provisioner::Agent] {
            assert_eq!(json(provisioner), provisioner.as_str());
        }
        for kind in [AddressKind::Public, AddressKind::Private] {
            assert_eq!(json(kind), kind.as_str());
        }
    }

    fn json(value: impl Serialize) -> serde_json::Value {
        serde_json::to_value(value).expect("it serialises")
    }
}
