//! The GraphQL input `EventFilter`.

use async_graphql::{Error, ID, InputObject};
use projections::history::HistoryFilter;

use crate::graph::filter::{read_resource, read_types};

/// The filter of a list of events: the events that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct EventFilter {
    /// The types to include, such as `droplet_activated`.
    types: Option<Vec<String>>,
    /// The id of the resource of the events.
    resource: Option<ID>,
}

impl TryFrom<EventFilter> for HistoryFilter {
    type Error = Error;

    fn try_from(filter: EventFilter) -> Result<Self, Error> {
        let resource = read_resource(filter.resource.as_ref())?;
        Ok(Self {
            stream: resource.map(Into::into),
            event_types: read_types("types", filter.types)?,
            ..Self::default()
        })
    }
}
