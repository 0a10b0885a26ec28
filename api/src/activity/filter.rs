//! `ActivityFilter`.

use async_graphql::{Error, ID, InputObject};
use projections::activity::query;

use crate::graph::filter::{read_resource, read_types};
use crate::graph::scalars::Time;

/// Which lines are wanted: those that fit everything given.
#[derive(InputObject, Default)]
pub(crate) struct ActivityFilter {
    /// What happened is one of these, such as `droplet_activated`.
    kinds: Option<Vec<String>>,
    /// It happened to the resource with this id.
    resource: Option<ID>,
    /// This is who caused it.
    actor: Option<String>,
    /// It happened at this time or later.
    from: Option<Time>,
    /// It happened before this time.
    until: Option<Time>,
}

impl TryFrom<ActivityFilter> for query::ActivityFilter {
    type Error = Error;

    fn try_from(filter: ActivityFilter) -> Result<Self, Error> {
        let resource = read_resource(filter.resource.as_ref())?;
        Ok(Self {
            kinds: read_types("kinds", filter.kinds)?,
            resource: resource.map(Into::into),
            actor: filter.actor,
            from: filter.from.map(|Time(time)| time),
            until: filter.until.map(|Time(time)| time),
        })
    }
}
