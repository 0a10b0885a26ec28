//! `EventFilter`.

use async_graphql::{Error, ID, InputObject};
use projections::history::HistoryFilter;

use crate::graph::filter::{read_resource, read_types};

/// Which events are wanted: those that fit everything given.
#[derive(InputObject, Default)]
pub(crate) struct EventFilter {
    /// Its type is one of these, such as `droplet_activated`.
    types: Option<Vec<String>>,
    /// It happened to the resource with this id.
    resource: Option<ID>,
}

impl TryFrom<EventFilter> for HistoryFilter {
    type Error = Error;

    fn try_from(filter: EventFilter) -> Result<Self, Error> {
        let resource = read_resource(filter.resource.as_ref())?;
        Ok(Self {
            stream: resource.map(Into::into),
            event_types: read_types("types", filter.types)?,
        })
    }
}
