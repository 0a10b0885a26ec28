//! The GraphQL type `Address`.

use async_graphql::Enum;
use domain::droplet;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::enums;

/// An address of a droplet.
pub(crate) struct Address {
    /// The network from which the address can be reached.
    kind: AddressKind,
    /// The address, of IP version 4 or 6.
    ip: String,
}

impl Object for Address {
    const NAME: &'static str = "Address";
    const DESCRIPTION: &'static str = "An address of a droplet.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "kind",
            "The network from which the address can be reached.",
            |address| address.kind,
        );
        fields.text("ip", "The address, of IP version 4 or 6.", |address| {
            &address.ip
        });
    }
}

enums!(AddressKind);

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
