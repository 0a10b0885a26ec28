//! `ResourceType`.

use async_graphql::Enum;

/// What an event happened to.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::event::StreamType")]
pub(crate) enum ResourceType {
    /// A virtual machine.
    Droplet,
    /// A piece of work.
    Job,
}
