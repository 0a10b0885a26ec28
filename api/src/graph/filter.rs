//! Reads the values of filters, of lists and of subscriptions.

use std::fmt::Display;

use async_graphql::{Error, ID};
use domain::registry::Event;

use crate::graph::error::{Code, failure};
use crate::graph::global_id::GlobalId;

/// Reads a value of a filter.
pub(crate) fn read<Value, Reason: Display>(
    field: &str,
    value: Result<Value, Reason>,
) -> Result<Value, Error> {
    value.map_err(|reason| failure(Code::BadUserInput, format!("`{field}`: {reason}")))
}

/// Reads all values of a filter. `None` lets everything through, and an empty list nothing.
pub(crate) fn read_all<Item, Value, Reason: Display>(
    field: &str,
    items: Option<Vec<Item>>,
    parse: fn(Item) -> Result<Value, Reason>,
) -> Result<Option<Vec<Value>>, Error> {
    let read = |items: Vec<Item>| items.into_iter().map(|item| read(field, parse(item)));
    items.map(|items| read(items).collect()).transpose()
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
    read_all(field, names, |name| {
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
