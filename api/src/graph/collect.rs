//! Collects the fields of an operation as they will run.
//!
//! Fragments are inlined by the type of object, and selections with the same response name are merged, as
//! [CollectFields](https://spec.graphql.org/September2025/#sec-Field-Collection) requires. `@skip` and
//! `@include` are decided here, so a plan belongs to certain values of the variables that they name.

pub(crate) mod arguments;

use std::collections::HashSet;
use std::sync::Arc;

use apollo_compiler::ast::{Argument, Value};
use apollo_compiler::collections::IndexMap;
use apollo_compiler::executable::{
    self, DirectiveList, ExecutableDocument, Operation, Selection, SelectionSet,
};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, name};
use async_graphql::Pos;

use crate::graph::execute::plan::{
    Field, FieldIndex, Plan, Selection as PlanSelection, TypeSelection,
};
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::execute::types::TypeEntry;
use crate::graph::idempotency;

/// The reason why an operation has no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoPlan {
    /// The plan would have more fields than it may have.
    TooManyFields,
    /// Fields with this response name cannot be merged, because their names, arguments or idempotency keys
    /// differ.
    Conflict { name: String, place: Pos },
}

/// Returns the plan of an operation of a valid document. `variables` are coerced; without them, the plan has
/// all fields, whatever their conditions.
///
/// # Errors
/// When the plan would have more than `most` fields, or fields cannot be merged.
pub(crate) fn collect(
    schema: &ExecutableSchema,
    document: &Valid<ExecutableDocument>,
    operation: &Node<Operation>,
    variables: Option<&JsonMap>,
    most: usize,
) -> Result<Plan, NoPlan> {
    let mut collecting = Collecting {
        schema,
        document,
        variables,
        fields: 0,
        most,
    };
    let root = schema
        .entry(operation.object_type())
        .expect("every root of the schema is described");
    let selection = collecting.objects(&[&operation.selection_set], std::slice::from_ref(root))?;
    let root = Field {
        number: collecting.number()?,
        key: Box::from(""),
        encoded_key: Box::from(""),
        owner: Arc::clone(root),
        index: FieldIndex::TypeName,
        name: name!("root"),
        arguments: Vec::new(),
        directives: Vec::new(),
        place: Pos::default(),
        nullable: true,
        selection,
    };
    Ok(Plan {
        operation: operation.operation_type,
        root: Arc::new(root),
        fields: collecting.fields,
    })
}

struct Collecting<'a> {
    schema: &'a ExecutableSchema,
    document: &'a Valid<ExecutableDocument>,
    variables: Option<&'a JsonMap>,
    fields: usize,
    most: usize,
}

/// The selections of an object that have the same response name.
type Groups<'a> = IndexMap<&'a str, Vec<&'a Node<executable::Field>>>;

impl<'a> Collecting<'a> {
    /// Returns the merged selection of objects of these types.
    fn objects(
        &mut self,
        sets: &[&'a SelectionSet],
        types: &[Arc<TypeEntry>],
    ) -> Result<PlanSelection, NoPlan> {
        let mut selected = Vec::with_capacity(types.len());
        for entry in types {
            let mut groups = Groups::default();
            let mut visited = HashSet::new();
            for set in sets {
                self.group(set, entry, &mut visited, &mut groups);
            }
            let mut fields = Vec::with_capacity(groups.len());
            for (key, group) in groups {
                fields.push(Arc::new(self.field(entry, key, &group)?));
            }
            let loads = fields
                .iter()
                .any(|field| field.is_loaded() || field.loads_below());
            selected.push(TypeSelection {
                entry: Arc::clone(entry),
                fields,
                loads,
            });
        }
        Ok(PlanSelection(selected))
    }

    fn field(
        &mut self,
        owner: &Arc<TypeEntry>,
        key: &str,
        group: &[&'a Node<executable::Field>],
    ) -> Result<Field, NoPlan> {
        let first = group[0];
        let own = group.iter().find_map(|field| idempotency_key(field));
        let conflict = group.iter().find(|other| {
            first.name != other.name
                || !same(&first.arguments, &other.arguments)
                // The field runs once, so that only one of two keys would be kept.
                || matches!((own, idempotency_key(other)), (Some(one), Some(other)) if !same(one, other))
        });
        if let Some(conflict) = conflict {
            return Err(NoPlan::Conflict {
                name: key.to_owned(),
                place: self.place(conflict),
            });
        }
        let index = match owner.index_of(&first.name) {
            Some(index) => FieldIndex::Table(index),
            None => FieldIndex::TypeName,
        };
        let types = self.schema.objects_of(first.ty().inner_named_type());
        let sets: Vec<_> = group.iter().map(|field| &field.selection_set).collect();
        let number = self.number()?;
        let selection = self.objects(&sets, types)?;
        Ok(Field {
            number,
            key: Box::from(key),
            encoded_key: format!("\"{key}\":").into_boxed_str(),
            owner: Arc::clone(owner),
            index,
            name: first.name.clone(),
            arguments: first.arguments.clone(),
            directives: group
                .iter()
                .flat_map(|field| field.directives.iter().cloned())
                .collect(),
            place: self.place(first),
            nullable: !first.ty().is_non_null(),
            selection,
        })
    }

    /// Returns the place of a selection in the document.
    fn place(&self, field: &Node<executable::Field>) -> Pos {
        let place = field.location();
        let place = place.and_then(|span| span.line_column(&self.document.sources));
        place.map_or_else(Pos::default, |place| Pos {
            line: place.line,
            column: place.column,
        })
    }

    /// Adds the fields of a set that apply to objects of a type, by their response names.
    fn group(
        &self,
        set: &'a SelectionSet,
        entry: &TypeEntry,
        visited: &mut HashSet<&'a str>,
        groups: &mut Groups<'a>,
    ) {
        for selection in &set.selections {
            if !self.includes(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    groups
                        .entry(field.response_key().as_str())
                        .or_default()
                        .push(field);
                }
                Selection::InlineFragment(inline) => {
                    let applies = inline.type_condition.as_ref();
                    if applies.is_none_or(|on| self.schema.is_a(&entry.name, on)) {
                        self.group(&inline.selection_set, entry, visited, groups);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    if visited.insert(name)
                        && let Some(fragment) = self.document.fragments.get(name)
                        && self.schema.is_a(&entry.name, fragment.type_condition())
                    {
                        self.group(&fragment.selection_set, entry, visited, groups);
                    }
                }
            }
        }
    }

    fn includes(&self, directives: &DirectiveList) -> bool {
        let Some(variables) = self.variables else {
            return true;
        };
        let condition = |name, wanted: bool| {
            let directive = directives.get(name);
            let value = directive.and_then(|directive| directive.specified_argument_by_name("if"));
            value.is_none_or(|value| is_true(value, variables) == wanted)
        };
        condition("skip", false) && condition("include", true)
    }

    /// Returns the number of the next field.
    fn number(&mut self) -> Result<usize, NoPlan> {
        let number = self.fields;
        self.fields += 1;
        if self.fields > self.most {
            return Err(NoPlan::TooManyFields);
        }
        Ok(number)
    }
}

fn is_true(value: &Value, variables: &JsonMap) -> bool {
    match value {
        Value::Boolean(value) => *value,
        Value::Variable(name) => {
            let value = variables.get(name.as_str());
            value.and_then(|value| value.as_bool()) == Some(true)
        }
        _ => false,
    }
}

/// Returns the arguments of a selection's `@idempotent`, if it has one.
fn idempotency_key(field: &executable::Field) -> Option<&[Node<Argument>]> {
    let directive = field.directives.get(idempotency::NAME);
    directive.map(|directive| directive.arguments.as_slice())
}

/// Returns true if two selections have the same arguments, in any order.
fn same(one: &[Node<Argument>], other: &[Node<Argument>]) -> bool {
    let has = |argument: &Node<Argument>| {
        let mut others = other.iter();
        others.any(|known| known.name == argument.name && equal(&known.value, &argument.value))
    };
    one.len() == other.len() && one.iter().all(has)
}

/// Returns true if two literals are the same value. The fields of an input object have no order.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(ones), Value::List(others)) => {
            let mut pairs = ones.iter().zip(others);
            ones.len() == others.len() && pairs.all(|(one, other)| equal(one, other))
        }
        (Value::Object(ones), Value::Object(others)) => {
            let has = |(name, value): &(Name, Node<Value>)| {
                let mut others = others.iter();
                others.any(|(known, other)| known == name && equal(value, other))
            };
            ones.len() == others.len() && ones.iter().all(has)
        }
        _ => one == other,
    }
}
