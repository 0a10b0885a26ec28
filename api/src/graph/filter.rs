//! Reads the values of filters, of lists and of subscriptions.

use std::fmt::Display;

use async_graphql::ID;

use crate::graph::error::{Code, Error, failure};
use crate::graph::event_type::EventType;
use crate::graph::global_id::GlobalId;

/// Reads a value of a filter.
pub(crate) fn read<Value, Reason: Display>(
    field: &str,
    value: Result<Value, Reason>,
) -> Result<Value, Error> {
    value.map_err(|reason| failure(Code::BadUserInput, format!("`{field}`: {reason}")))
}

/// Reads all values of a filter.
pub(crate) fn read_all<Item, Value, Reason: Display>(
    field: &str,
    items: Option<Vec<Item>>,
    parse: fn(Item) -> Result<Value, Reason>,
) -> Result<Vec<Value>, Error> {
    let items = items.unwrap_or_default().into_iter();
    items.map(|item| read(field, parse(item))).collect()
}

/// Reads all values of a filter that lets nothing through if it is empty.
pub(crate) fn read_some<Item, Value, Reason: Display>(
    field: &str,
    items: Option<Vec<Item>>,
    parse: fn(Item) -> Result<Value, Reason>,
) -> Result<Option<Vec<Value>>, Error> {
    items
        .map(|items| read_all(field, Some(items), parse))
        .transpose()
}

/// Converts all values of a filter.
pub(crate) fn all_into<Item: Into<Value>, Value>(items: Option<Vec<Item>>) -> Option<Vec<Value>> {
    items.map(|items| items.into_iter().map(Into::into).collect())
}

/// Returns true if a filter lets a value through: one that was left out lets all through.
pub(crate) fn allows<Value: PartialEq>(wanted: Option<&[Value]>, value: &Value) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(value))
}

/// Reads the id of the resource to which a list is restricted.
pub(crate) fn read_resource(id: Option<&ID>) -> Result<Option<GlobalId>, Error> {
    id.map(|id| read("resource", GlobalId::parse(id)))
        .transpose()
}

/// Returns the stored names of event types.
pub(crate) fn stored_types(types: Option<Vec<EventType>>) -> Option<Vec<String>> {
    let stored = |types: Vec<EventType>| types.into_iter().map(|one| one.stored().to_owned());
    types.map(|types| stored(types).collect())
}
