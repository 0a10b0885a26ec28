//! The GraphQL type `Address`.

use async_graphql::{Enum, SimpleObject};
use domain::droplet;

/// An address of a droplet.
#[derive(SimpleObject)]
pub(crate) struct Address {
    /// The network from which the address can be reached.
    kind: AddressKind,
    /// The address, of IP version 4 or 6.
    ip: String,
}

/// The network from which an address can be reached.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "droplet::AddressKind")]
pub(crate) enum AddressKind {
    /// Reachable from everywhere.
    Public,
    /// Reachable from the droplet's own network.
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
