//! The GraphQL enum `RequestSource`.

use async_graphql::Enum;
use commands::context;

use crate::graph::execute::output::enums;

enums!(RequestSource);

/// The origin of a request.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestSource {
    /// The GraphQL API.
    Api,
    /// A part of the platform, reacting to an event.
    Process,
}

impl RequestSource {
    /// Returns the origin by its stored form; `None` for one that only a newer program knows.
    pub(crate) fn of(source: context::RequestSource) -> Option<Self> {
        match source {
            context::RequestSource::Api => Some(Self::Api),
            context::RequestSource::Process => Some(Self::Process),
            context::RequestSource::Newer => None,
        }
    }
}
