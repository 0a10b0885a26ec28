//! Puts the fields of a result into the order of their selection.
//!
//! The specification requires the fields of an object in the order of the selection, with fragments
//! expanded where they are spread. The executor resolves fields concurrently, and leaves them in the order
//! of their completion. So a field that waits for the database comes last, and the text of the same answer
//! varies. This module reorders every object by the document that was run.
//!
//! Reordering takes time linear in the result. The fields of a selection are collected once for all items
//! of a list, and an object that is already in order is only compared. The module must never add, drop or
//! change a field, except for the [`marker`] that it added itself.

pub(crate) mod marker;

use std::collections::HashMap;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection,
    SelectionSet,
};
use async_graphql::registry::Registry;
use async_graphql::{Name, Positioned, Value, Variables};

/// Puts the result of this operation of the document in order. Removes the fields that have the name of its
/// [`marker`], if it has any. The document has run, so it is valid and its fragments form no cycle.
pub(crate) fn put_in_order(
    data: &mut Value,
    document: &ExecutableDocument,
    marker: Option<&Name>,
    operation: &OperationDefinition,
    conditions: &Conditions,
    registry: &Registry,
) {
    let selected = Selected {
        fragments: &document.fragments,
        marker,
        conditions,
        registry,
    };
    Asked::new(&operation.selection_set.node).order(data, &selected);
}

/// The values of the variables that `@skip` and `@include` may name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions(HashMap<Name, bool>);

impl Conditions {
    /// Selects the Boolean variables of a request.
    pub(crate) fn among(variables: &Variables) -> Self {
        let conditions = variables.iter().filter_map(|(name, value)| match value {
            Value::Boolean(value) => Some((name.clone(), *value)),
            _ => None,
        });
        Self(conditions.collect())
    }

    /// Returns true if these directives include the selection that carries them.
    fn include(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let wanted = match directive.node.name.node.as_str() {
                "include" => true,
                "skip" => false,
                _ => return true,
            };
            let condition = directive.node.get_argument("if");
            condition.is_none_or(|condition| {
                let value = condition.node.clone();
                // Like the executor: a condition without a value counts as false.
                let value = value.into_const_with(|name| match self.0.get(&name) {
                    Some(value) => Ok(Value::Boolean(*value)),
                    None => Err(()),
                });
                (value == Ok(Value::Boolean(true))) == wanted
            })
        })
    }
}

/// The data that all selections of an operation share.
struct Selected<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    marker: Option<&'a Name>,
    conditions: &'a Conditions,
    registry: &'a Registry,
}

impl<'a> Selected<'a> {
    /// Collects the fields of a selection for an object of this type. Without a type all fragments apply,
    /// because a valid document spreads no fragment that never applies.
    fn collect(&self, set: &'a SelectionSet, kind: Option<&str>, into: &mut Fields<'a>) {
        for selection in &set.items {
            if !self.conditions.include(selection.node.directives()) {
                continue;
            }
            let (condition, inner) = match &selection.node {
                Selection::Field(field) => {
                    collect_field(&field.node, into);
                    continue;
                }
                Selection::InlineFragment(inline) => (
                    inline.node.type_condition.as_ref(),
                    &inline.node.selection_set.node,
                ),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.fragments.get(name) else {
                        continue;
                    };
                    (
                        Some(&fragment.node.type_condition),
                        &fragment.node.selection_set.node,
                    )
                }
            };
            let condition = condition.map(|condition| condition.node.on.node.as_str());
            if self.applies(condition, kind) {
                self.collect(inner, kind, into);
            }
        }
    }

    fn applies(&self, condition: Option<&str>, kind: Option<&str>) -> bool {
        let (Some(condition), Some(kind)) = (condition, kind) else {
            return true;
        };
        condition == kind
            || self
                .registry
                .types
                .get(condition)
                .is_some_and(|condition| condition.is_possible_type(kind))
    }
}

/// The fields of an object in order, by their names in the result.
type Fields<'a> = IndexMap<&'a str, Asked<'a>>;

/// The selections for a place in the result: those of all fields that have its name.
struct Asked<'a> {
    sets: Vec<&'a SelectionSet>,
    /// The fields of the selections, for each type of object that was found at this place.
    met: Vec<(Option<Box<str>>, Fields<'a>)>,
}

impl<'a> Asked<'a> {
    fn new(set: &'a SelectionSet) -> Self {
        Self {
            sets: vec![set],
            met: Vec::new(),
        }
    }

    fn order(&mut self, value: &mut Value, selected: &Selected<'a>) {
        match value {
            Value::List(items) => {
                for item in items {
                    self.order(item, selected);
                }
            }
            // An object of which nothing is selected is the value of a scalar.
            Value::Object(object) if self.sets.iter().any(|set| !set.items.is_empty()) => {
                let kind = selected
                    .marker
                    .and_then(|marker| marker::take(object, marker));
                let fields = self.fields(kind.as_deref(), selected);
                let mut next = 0;
                for (name, asked) in fields {
                    let is_next = object
                        .get_index(next)
                        .is_some_and(|(present, _)| present.as_str() == *name);
                    if !is_next {
                        // What is not there belongs to another type, or failed with all around it.
                        let Some(at) = object.get_index_of(*name) else {
                            continue;
                        };
                        object.swap_indices(next, at);
                    }
                    if let Some((_, value)) = object.get_index_mut(next) {
                        asked.order(value, selected);
                    }
                    next += 1;
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, kind: Option<&str>, selected: &Selected<'a>) -> &mut Fields<'a> {
        let met = self.met.iter().position(|(met, _)| met.as_deref() == kind);
        let met = met.unwrap_or_else(|| {
            let mut fields = Fields::new();
            for set in &self.sets {
                selected.collect(set, kind, &mut fields);
            }
            self.met.push((kind.map(Box::from), fields));
            self.met.len() - 1
        });
        &mut self.met[met].1
    }
}

fn collect_field<'a>(field: &'a Field, into: &mut Fields<'a>) {
    let set = &field.selection_set.node;
    into.entry(field.response_key().node.as_str())
        .and_modify(|asked| asked.sets.push(set))
        .or_insert_with(|| Asked::new(set));
}
