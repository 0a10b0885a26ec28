//! What a droplet is made of.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::event::DropletRequested;
use crate::ids::ClusterId;
use crate::name::DropletName;
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};
use crate::tag::Tag;

/// What a living droplet is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Its name, unique among the live droplets of its organization.
    pub name: DropletName,
    /// Its size, by the catalogue of its request.
    pub size: SizeSlug,
    /// Where it runs.
    pub region: RegionSlug,
    /// What it started with.
    pub image: ImageSlug,
    /// Its tags.
    pub tags: BTreeSet<Tag>,
    /// The cluster that it belongs to, if any.
    pub cluster: Option<ClusterId>,
    /// Who makes and removes its machine.
    pub provisioner: Provisioner,
    /// Whether its deletion is refused.
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

/// Who makes and removes a droplet's machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Provisioner {
    /// The platform itself, through a provider.
    #[default]
    Platform,
    /// An agent outside, which reports what it does.
    Agent,
}

impl Provisioner {
    /// The name in events and in the API: `PLATFORM`, `AGENT`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "PLATFORM",
            Self::Agent => "AGENT",
        }
    }
}

/// Whether a droplet's deletion is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protection {
    /// It may be deleted.
    #[default]
    Unprotected,
    /// It must be unprotected before it may be deleted.
    Protected,
}

/// Where a droplet can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// From where.
    pub kind: AddressKind,
    /// The address, of IP version 4 or 6.
    pub ip: IpAddr,
}

/// From where an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AddressKind {
    /// From everywhere.
    Public,
    /// From the droplet's own network.
    Private,
}

impl AddressKind {
    /// The name in events and in the API: `PUBLIC`, `PRIVATE`.
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
