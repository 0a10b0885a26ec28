//! `Address`.

use async_graphql::{Enum, SimpleObject};
use domain::droplet;

/// Where a droplet can be reached.
#[derive(SimpleObject)]
pub(crate) struct Address {
    /// From where.
    kind: AddressKind,
    /// The address, of IP version 4 or 6.
    ip: String,
}

/// From where an address can be reached.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "droplet::AddressKind")]
pub(crate) enum AddressKind {
    /// From everywhere.
    Public,
    /// From the droplet's own network.
    Private,
}

impl From<&droplet::Address> for Address {
    fn from(address: &droplet::Address) -> Self {
        Self {
            kind: address.kind.into(),
            ip: address.ip.to_string(),
        }
    }
}
