//! The GraphQL input `EventFilter`.

use async_graphql::{ID, InputObject};
use projections::history::HistoryFilter;

use crate::graph::error::Error;
use crate::graph::event_type::EventType;
use crate::graph::filter::{read_resource, stored_types};
use crate::graph::scalars::Time;

/// The filter of a list of events: the events that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct EventFilter {
    /// The types to include; none if empty.
    types: Option<Vec<EventType>>,
    /// The id of the resource of the events.
    resource: Option<ID>,
    /// The actor that caused the events.
    actor: Option<String>,
    /// The start of the period, inclusive: the events happened at this time or later.
    from: Option<Time>,
    /// The end of the period, exclusive: the events happened before this time.
    until: Option<Time>,
}

impl TryFrom<EventFilter> for HistoryFilter {
    type Error = Error;

    fn try_from(filter: EventFilter) -> Result<Self, Error> {
        let resource = read_resource(filter.resource.as_ref())?;
        Ok(Self {
            stream: resource.map(Into::into),
            actor: filter.actor,
            from: filter.from.map(|Time(time)| time),
            until: filter.until.map(|Time(time)| time),
            event_types: stored_types(filter.types),
        })
    }
}
