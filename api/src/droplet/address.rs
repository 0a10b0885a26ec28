//! The GraphQL type `Address`.

use async_graphql::Enum;
use domain::droplet::Address;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::enums;

impl Object for Address {
    const NAME: &'static str = "Address";
    const DESCRIPTION: &'static str = "An address of a droplet.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "kind",
            "The network from which the address can be reached.",
            |address| AddressKind::from(address.kind),
        );
        fields.value("ip", "The address, of IP version 4 or 6.", |address| {
            address.ip.to_string()
        });
    }
}

enums!(AddressKind);

/// The network from which an address can be reached.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::droplet::AddressKind")]
pub(crate) enum AddressKind {
    /// Reachable from everywhere.
    Public,
    /// Reachable from the droplet's own network.
    Private,
}
