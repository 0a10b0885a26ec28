//! `Provisioner`.

use async_graphql::Enum;

/// Who makes and removes a droplet's machine.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::droplet::Provisioner")]
pub(crate) enum Provisioner {
    /// The platform itself, through a provider.
    Platform,
    /// An agent outside, which reports what it does.
    Agent,
}
