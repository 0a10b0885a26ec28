//! Reads the values of filters, of lists and of subscriptions.

use std::fmt::Display;

use async_graphql::ID;
use domain::registry::Event;

use crate::graph::error::{Code, Error, failure};
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

/// Reads stored names of event types. Rejects an unknown name, which would otherwise give an empty list.
pub(crate) fn read_types(
    field: &str,
    names: Option<Vec<String>>,
) -> Result<Option<Vec<String>>, Error> {
    read_some(field, names, |name| {
        if Event::types().any(|(_, known, _)| known == name) {
            return Ok(name);
        }
        let known: Vec<_> = Event::types().map(|(_, known, _)| known).collect();
        Err(format!(
            "there is no such type of event: use one of {}",
            known.join(", ")
        ))
    })
}
