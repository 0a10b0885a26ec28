//! The GraphQL enum `EventType`: the types of events that this program knows.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult, Name, Value};
use domain::registry::Event;

use crate::graph::execute::output::{Output, Write};
use crate::graph::execute::plan::Field;
use crate::graph::execute::types::{self, Types};
use crate::graph::execute::writer::{Failed, Writer};

const NAME: &str = "EventType";

/// A type of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventType(&'static str);

impl EventType {
    /// Returns the type with this stored name, such as `droplet_activated`. Returns `None` for a type that
    /// only a newer program knows.
    pub(crate) fn stored_as(name: &str) -> Option<Self> {
        stored().find(|known| *known == name).map(Self)
    }

    /// Returns the stored name.
    pub(crate) const fn stored(self) -> &'static str {
        self.0
    }

    fn named(name: &str) -> Option<Self> {
        stored()
            .find(|known| known.to_ascii_uppercase() == name)
            .map(Self)
    }
}

/// Returns the stored names of all types, each once.
fn stored() -> impl Iterator<Item = &'static str> {
    let mut last = None;
    let names = Event::types().map(|(_, name, _)| name);
    names.filter(move |name| last.replace(*name) != Some(*name))
}

fn describe(registry: &mut Registry) {
    let values: Vec<_> = stored()
        .map(|name| {
            (
                name.to_ascii_uppercase(),
                format!("An event that is stored as `{name}`."),
            )
        })
        .collect();
    let description = "A type of events. Types may be added at any time.";
    let values = values
        .iter()
        .map(|(name, meaning)| (name.as_str(), meaning.as_str()));
    let described = types::enum_type(NAME, description, values);
    registry.types.insert(NAME.to_owned(), described);
}

impl Write for EventType {
    fn write(&self, _: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        // Names of types need no escapes.
        out.plain(|bytes| bytes.extend(self.0.bytes().map(|byte| byte.to_ascii_uppercase())));
        Ok(())
    }
}

impl Output for EventType {
    fn name() -> Cow<'static, str> {
        NAME.into()
    }

    fn describe(types: &mut Types) {
        describe(&mut types.registry);
    }
}

impl InputType for EventType {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        describe(registry);
        Self::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let found = match &value {
            Value::Enum(name) => Self::named(name),
            Value::String(name) => Self::named(name),
            _ => None,
        };
        found.ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::Enum(Name::new(self.0.to_ascii_uppercase()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
