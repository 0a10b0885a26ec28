//! Gives the fields of a plan their arguments, from the document and from the variables.
//!
//! See [CoerceArgumentValues](https://spec.graphql.org/September2025/#sec-Coercing-Field-Arguments). A
//! variable that was left out leaves its argument or input field out, so that the default applies.

mod room;

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::ast::{Argument, Value as Literal};
use apollo_compiler::response::JsonMap;
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Number, Value};

use self::room::Room;
use crate::graph::execute::context::Arguments;
use crate::graph::execute::plan::{Field, Plan};
use crate::graph::idempotency;

/// The arguments of the fields of a plan, by the number of the field.
#[derive(Debug, Default)]
pub(crate) struct PlanArguments {
    /// The arguments of each field that has any.
    pub(crate) fields: HashMap<usize, Arguments>,
    /// The value of `@idempotent(key:)` of each field that has the directive.
    pub(crate) idempotency_keys: HashMap<usize, String>,
}

impl PlanArguments {
    /// Reads the arguments of all fields of a plan, with these coerced variables. Returns `None` if all of them
    /// together have more than `max_bytes` as JSON: each field with a variable has a copy of its value.
    pub(crate) fn of(plan: &Plan, variables: &JsonMap, max_bytes: usize) -> Option<Self> {
        let mut all = Self::default();
        all.add(&plan.root, variables, &mut Room(max_bytes))?;
        Some(all)
    }

    fn add(&mut self, field: &Field, variables: &JsonMap, room: &mut Room) -> Option<()> {
        for argument in &field.arguments {
            room.take_literal(&argument.value, variables)?;
        }
        if !field.arguments.is_empty() {
            let arguments = arguments(&field.arguments, variables);
            self.fields.insert(field.number, arguments);
        }
        let mut directives = field.directives.iter();
        let idempotent = directives.find(|directive| directive.name == idempotency::NAME);
        if let Some(directive) = idempotent {
            for argument in &directive.arguments {
                room.take_literal(&argument.value, variables)?;
            }
            if let Some(key) =
                arguments(&directive.arguments, variables).swap_remove(idempotency::KEY)
            {
                // A key that a variable makes null is refused as an empty one is.
                let key = match key {
                    Value::String(key) => key,
                    _ => String::new(),
                };
                self.idempotency_keys.insert(field.number, key);
            }
        }
        field
            .selection
            .all()
            .try_for_each(|below| self.add(below, variables, room))
    }
}

/// Returns the arguments that are not left out.
pub(crate) fn arguments(arguments: &[Node<Argument>], variables: &JsonMap) -> Arguments {
    let given = arguments.iter().filter_map(|argument| {
        let value = literal(&argument.value, variables)?;
        Some((Name::new(&argument.name), value))
    });
    given.collect()
}

/// Returns the value of a literal, or `None` for a variable that was left out.
pub(crate) fn literal(given: &Literal, variables: &JsonMap) -> Option<Value> {
    Some(match given {
        Literal::Null => Value::Null,
        Literal::Enum(name) => Value::Enum(Name::new(name)),
        Literal::Variable(name) => of_json(variables.get(name.as_str())?),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Float(float) => number(float.as_str()),
        // As an integer, -0 is 0.
        Literal::Int(int) => match int.as_str().parse::<i64>() {
            Ok(int) => Value::Number(int.into()),
            Err(_) => number(int.as_str()),
        },
        Literal::Boolean(boolean) => Value::Boolean(*boolean),
        // An item that was left out is null.
        Literal::List(items) => Value::List(
            items
                .iter()
                .map(|item| literal(item, variables).unwrap_or_default())
                .collect(),
        ),
        Literal::Object(fields) => {
            let fields = fields
                .iter()
                .filter_map(|(name, field)| Some((Name::new(name), literal(field, variables)?)));
            Value::Object(fields.collect::<IndexMap<_, _>>())
        }
    })
}

fn number(text: &str) -> Value {
    let number: Result<Number, _> = serde_json::from_str(text);
    // A document with a number out of range is refused.
    number.map_or(Value::Null, Value::Number)
}

pub(crate) fn of_json(json: &apollo_compiler::response::JsonValue) -> Value {
    use apollo_compiler::response::JsonValue as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => Value::Number(number.clone()),
        Json::String(text) => Value::String(text.as_str().to_owned()),
        Json::Array(items) => Value::List(items.iter().map(of_json).collect()),
        Json::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, field)| (Name::new(name.as_str()), of_json(field)));
            Value::Object(fields.collect::<IndexMap<_, _>>())
        }
    }
}
