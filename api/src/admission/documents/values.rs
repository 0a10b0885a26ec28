//! Checks values that the library accepts although the specification does not.
//!
//! These are variables of types that do not fit, fields of input objects that are given twice, and custom
//! scalars. They are also input objects of which exactly one field must be given.
//!
//! Literals are checked with their document, and variables with their request. See
//! [Values of Correct Type](https://spec.graphql.org/September2025/#sec-Values-of-Correct-Type) and
//! [OneOf Input Objects](https://spec.graphql.org/September2025/#sec-OneOf-Input-Objects).

use std::collections::HashSet;

use apollo_compiler::ast::{Argument, InputValueDefinition, Type, Value, VariableDefinition};
use apollo_compiler::executable::{
    DirectiveList, ExecutableDocument, Operation, Selection, SelectionSet,
};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node};
use async_graphql::ScalarType;

use super::validation::{MAX_FAULTS, place};
use crate::admission::limits::{Fault, Unfit};
use crate::graph::collect::arguments::{literal, of_json};
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::scalars::{BigInt, Time};

/// Checks all literals of a valid document.
///
/// # Errors
/// All values that are not of their type.
pub(super) fn check(
    document: &Valid<ExecutableDocument>,
    schema: &ExecutableSchema,
) -> Result<(), Unfit> {
    let mut faults = Vec::new();
    for operation in document.operations.iter() {
        let mut checking = Checking {
            document,
            schema,
            operation,
            visited: HashSet::new(),
            faults: &mut faults,
        };
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                checking.names(default);
                checking.value(&variable.ty, None, default);
            }
        }
        checking.directives(&operation.directives);
        checking.set(&operation.selection_set);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Unfit::Invalid(faults))
    }
}

/// Checks the coerced variables of an operation.
///
/// # Errors
/// The first value that is not of its type.
pub(crate) fn check_variables(
    operation: &Operation,
    variables: &JsonMap,
    schema: &ExecutableSchema,
) -> Result<(), String> {
    for variable in &operation.variables {
        if let Some(given) = variables.get(variable.name.as_str()) {
            let checked = json(&variable.ty, given, schema);
            checked.map_err(|wrong| format!("the variable ${}: {wrong}", variable.name))?;
        }
    }
    Ok(())
}

/// Returns the reason why a value is not one of this scalar, if the scalar is one of ours.
fn of_scalar(scalar: &str, value: impl FnOnce() -> async_graphql::Value) -> Result<(), String> {
    let wrong = match scalar {
        "DateTime" => <Time as ScalarType>::parse(value()).err().map(|_| {
            "a DateTime is a time by RFC 3339 without a leap second, such as \"2026-11-01T12:00:00Z\""
        }),
        "BigInt" => <BigInt as ScalarType>::parse(value())
            .err()
            .map(|_| "a BigInt is a whole number of 64 bits, as a number or as decimal digits in quotes"),
        _ => None,
    };
    wrong.map_or(Ok(()), |wrong| Err(wrong.to_owned()))
}

fn one_of(type_name: &str) -> String {
    format!("give exactly one field of {type_name}, and not null")
}

fn json(ty: &Type, given: &JsonValue, schema: &ExecutableSchema) -> Result<(), String> {
    if given.is_null() {
        return Ok(());
    }
    if ty.is_list() {
        let items = given
            .as_array()
            .map_or(std::slice::from_ref(given), Vec::as_slice);
        return items
            .iter()
            .try_for_each(|item| json(ty.item_type(), item, schema));
    }
    let name = ty.inner_named_type();
    match schema.definition.types.get(name) {
        Some(ExtendedType::Scalar(_)) => of_scalar(name, || of_json(given)),
        Some(ExtendedType::InputObject(input)) => {
            let Some(fields) = given.as_object() else {
                return Ok(());
            };
            if is_one_of(input) && (fields.len() != 1 || fields.values().any(JsonValue::is_null)) {
                return Err(one_of(name));
            }
            fields.iter().try_for_each(|(field, value)| {
                let definition = input.fields.get(field.as_str());
                definition.map_or(Ok(()), |definition| json(&definition.ty, value, schema))
            })
        }
        _ => Ok(()),
    }
}

/// Returns true if a variable may stand at a place of this type, which has this default. See
/// [All Variable Usages Are Allowed](https://spec.graphql.org/September2025/#sec-All-Variable-Usages-Are-Allowed).
fn is_allowed(variable: &VariableDefinition, ty: &Type, default: Option<&Node<Value>>) -> bool {
    if !ty.is_non_null() || variable.ty.is_non_null() {
        return variable.ty.is_assignable_to(ty);
    }
    let has_value = variable
        .default_value
        .as_ref()
        .is_some_and(|value| !value.is_null());
    (has_value || default.is_some()) && variable.ty.is_assignable_to(&ty.clone().nullable())
}

fn is_one_of(input: &InputObjectType) -> bool {
    input.directives.has("oneOf")
}

struct Checking<'a> {
    document: &'a Valid<ExecutableDocument>,
    schema: &'a ExecutableSchema,
    operation: &'a Operation,
    /// The names of the fragments that were checked for this operation.
    visited: HashSet<&'a str>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Checking<'a> {
    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.definition.arguments, &field.arguments);
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.set(&inline.selection_set),
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    if self.visited.insert(name)
                        && let Some(fragment) = self.document.fragments.get(name)
                    {
                        self.directives(&fragment.directives);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        for directive in directives {
            let schema = &self.schema.definition;
            if let Some(definition) = schema.directive_definitions.get(&directive.name) {
                self.arguments(&definition.arguments, &directive.arguments);
            }
        }
    }

    fn arguments(&mut self, definitions: &[Node<InputValueDefinition>], given: &[Node<Argument>]) {
        for argument in given {
            let mut definitions = definitions.iter();
            if let Some(definition) = definitions.find(|known| known.name == argument.name) {
                self.names(&argument.value);
                let default = definition.default_value.as_ref();
                self.value(&definition.ty, default, &argument.value);
            }
        }
    }

    /// Checks a value regardless of its type. All variables within it are defined, no input object within it has a
    /// field twice, and every number is in the range of a double.
    fn names(&mut self, given: &Node<Value>) {
        match &**given {
            Value::Variable(name) if self.variable(name).is_none() => {
                self.fault(format!("the variable ${name} is not defined"), given);
            }
            Value::Float(number) if number.try_to_f64().is_err() => {
                self.out_of_range(number.as_str(), given);
            }
            Value::Int(number) if number.try_to_f64().is_err() => {
                self.out_of_range(number.as_str(), given);
            }
            Value::List(items) => items.iter().for_each(|item| self.names(item)),
            Value::Object(fields) => {
                let mut seen = HashSet::new();
                for (name, value) in fields {
                    if !seen.insert(name) {
                        let message =
                            format!("the input field {name:?} is given twice: give it once");
                        self.fault(message, value);
                    }
                    self.names(value);
                }
            }
            _ => {}
        }
    }

    /// Checks a value at a place of this type, which has this default.
    fn value(&mut self, ty: &Type, default: Option<&Node<Value>>, given: &Node<Value>) {
        match &**given {
            Value::Null => return,
            Value::Variable(name) => {
                if let Some(variable) = self.variable(name)
                    && !is_allowed(variable, ty, default)
                {
                    let message = format!(
                        "the variable ${name} is a {}, which does not fit where a {ty} belongs",
                        variable.ty
                    );
                    self.fault(message, given);
                }
                return;
            }
            _ => {}
        }
        if ty.is_list() {
            match &**given {
                Value::List(items) => {
                    items
                        .iter()
                        .for_each(|item| self.value(ty.item_type(), None, item));
                }
                _ => self.value(ty.item_type(), None, given),
            }
            return;
        }
        let name = ty.inner_named_type();
        match self.schema.definition.types.get(name) {
            Some(ExtendedType::Scalar(_)) => {
                let value = || literal(given, &JsonMap::new()).unwrap_or_default();
                if let Err(wrong) = of_scalar(name, value) {
                    self.fault(wrong, given);
                }
            }
            Some(ExtendedType::InputObject(input)) => {
                let Value::Object(fields) = &**given else {
                    return;
                };
                if is_one_of(input) && !self.is_one(fields) {
                    self.fault(one_of(name), given);
                }
                for (field, value) in fields {
                    if let Some(definition) = input.fields.get(field) {
                        let default = definition.default_value.as_ref();
                        self.value(&definition.ty, default, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns true if exactly one field is given, which cannot be null.
    fn is_one(&self, fields: &[(Name, Node<Value>)]) -> bool {
        let [(_, value)] = fields else {
            return false;
        };
        match &**value {
            Value::Null => false,
            Value::Variable(name) => {
                let variable = self.variable(name);
                variable.is_some_and(|variable| variable.ty.is_non_null())
            }
            _ => true,
        }
    }

    fn variable(&self, name: &Name) -> Option<&'a Node<VariableDefinition>> {
        let mut variables = self.operation.variables.iter();
        variables.find(|variable| variable.name == *name)
    }

    fn out_of_range(&mut self, number: &str, at: &Node<Value>) {
        self.fault(format!("{number} is out of range"), at);
    }

    fn fault(&mut self, message: String, at: &Node<Value>) {
        let at = at.location();
        let at = at.and_then(|span| span.line_column(&self.document.sources));
        let fault = Fault {
            message,
            place: at.map(place),
        };
        if self.faults.len() < MAX_FAULTS && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}
