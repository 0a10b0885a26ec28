//! The room that the arguments of an operation may take.

use apollo_compiler::ast::Value as Literal;
use apollo_compiler::response::{JsonMap, JsonValue};

/// The number of bytes that the arguments may still have as JSON. Values are measured by reference, before any is
/// copied, and measuring ends where the room does.
pub(super) struct Room(pub(super) usize);

impl Room {
    /// Takes the room of a literal and of the variables in it. Returns `None` if there is too little.
    pub(super) fn take_literal(&mut self, given: &Literal, variables: &JsonMap) -> Option<()> {
        match given {
            Literal::Null | Literal::Boolean(_) => self.take(4),
            Literal::Enum(name) => self.take(name.len()),
            Literal::Variable(name) => match variables.get(name.as_str()) {
                Some(value) => self.take_json(value),
                None => self.take(1),
            },
            Literal::String(text) => self.take(text.len() + 2),
            Literal::Float(number) => self.take(number.as_str().len()),
            Literal::Int(number) => self.take(number.as_str().len()),
            Literal::List(items) => {
                self.take(2)?;
                let mut items = items.iter();
                items.try_for_each(|item| self.take_literal(item, variables))
            }
            Literal::Object(fields) => {
                self.take(2)?;
                fields.iter().try_for_each(|(name, field)| {
                    self.take(name.len())?;
                    self.take_literal(field, variables)
                })
            }
        }
    }

    fn take_json(&mut self, given: &JsonValue) -> Option<()> {
        match given {
            JsonValue::Null | JsonValue::Bool(_) | JsonValue::Number(_) => self.take(1),
            JsonValue::String(text) => self.take(text.as_str().len() + 2),
            JsonValue::Array(items) => {
                self.take(2)?;
                items.iter().try_for_each(|item| self.take_json(item))
            }
            JsonValue::Object(fields) => {
                self.take(2)?;
                fields.iter().try_for_each(|(name, field)| {
                    self.take(name.as_str().len())?;
                    self.take_json(field)
                })
            }
        }
    }

    /// Takes this many bytes, and one for the comma.
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.checked_sub(bytes)?.checked_sub(1)?;
        Some(())
    }
}
