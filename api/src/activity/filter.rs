//! The GraphQL input `ActivityFilter`.

use async_graphql::{ID, InputObject};
use projections::activity::query;

use crate::graph::error::Error;
use crate::graph::event_type::EventType;
use crate::graph::filter::{read_resource, stored_types};
use crate::graph::scalars::Time;

/// The filter of activity: the lines that match every given field.
#[derive(InputObject, Default)]
pub(crate) struct ActivityFilter {
    /// The types of the events to include; none if empty.
    kinds: Option<Vec<EventType>>,
    /// The id of the resource of the events.
    resource: Option<ID>,
    /// The actor that caused the events.
    actor: Option<String>,
    /// The start of the period, inclusive: the events happened at this time or later.
    from: Option<Time>,
    /// The end of the period, exclusive: the events happened before this time.
    until: Option<Time>,
}

impl TryFrom<ActivityFilter> for query::ActivityFilter {
    type Error = Error;

    fn try_from(filter: ActivityFilter) -> Result<Self, Error> {
        let resource = read_resource(filter.resource.as_ref())?;
        Ok(Self {
            kinds: stored_types(filter.kinds),
            resource: resource.map(Into::into),
            actor: filter.actor,
            from: filter.from.map(|Time(time)| time),
            until: filter.until.map(|Time(time)| time),
        })
    }
}
