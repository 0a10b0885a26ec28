//! Collects the fields of an operation as they will run.
//!
//! Fragments are inlined by the type of object, and selections with the same response name are merged, as
//! [CollectFields](https://spec.graphql.org/September2025/#sec-Field-Collection) requires. `@skip` and
//! `@include` are decided here, so a plan belongs to certain values of the variables that they name.

pub(crate) mod arguments;

use std::collections::HashSet;
use std::sync::Arc;

use apollo_compiler::ast::Value;
use apollo_compiler::collections::IndexMap;
use apollo_compiler::executable::{
    self, DirectiveList, ExecutableDocument, Operation, Selection, SelectionSet,
};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Node, name};
use async_graphql::Pos;

use crate::graph::execute::plan::{
    Field, FieldIndex, Plan, Selection as PlanSelection, TypeSelection,
};
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::execute::types::TypeEntry;

/// A plan would have more fields than it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyFields;

/// Returns the plan of an operation of a valid document, with these coerced variables.
///
/// # Errors
/// When the plan would have more than `most` fields.
pub(crate) fn collect(
    schema: &ExecutableSchema,
    document: &Valid<ExecutableDocument>,
    operation: &Node<Operation>,
    variables: &JsonMap,
    most: usize,
) -> Result<Plan, TooManyFields> {
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
    let loads_below = selection.0.iter().any(|selected| selected.loads);
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
        guarded: false,
        selection,
        loads_below,
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
    variables: &'a JsonMap,
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
    ) -> Result<PlanSelection, TooManyFields> {
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
                .any(|field| field.is_loaded() || field.loads_below);
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
    ) -> Result<Field, TooManyFields> {
        let first = group[0];
        let index = match owner.index_of(&first.name) {
            Some(index) => FieldIndex::Table(index),
            None => FieldIndex::TypeName,
        };
        let types = self.schema.objects_of(first.ty().inner_named_type());
        let sets: Vec<_> = group.iter().map(|field| &field.selection_set).collect();
        let number = self.number()?;
        let selection = self.objects(&sets, types)?;
        let place = first.location();
        let place = place.and_then(|span| span.line_column(&self.document.sources));
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
            place: place.map_or_else(Pos::default, |place| Pos {
                line: place.line,
                column: place.column,
            }),
            nullable: !first.ty().is_non_null(),
            guarded: match index {
                FieldIndex::Table(index) => owner.fields[index].need.is_some(),
                FieldIndex::TypeName => false,
            },
            loads_below: selection.0.iter().any(|selected| selected.loads),
            selection,
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
        let condition = |name, wanted: bool| {
            let directive = directives.get(name);
            let value = directive.and_then(|directive| directive.specified_argument_by_name("if"));
            value.is_none_or(|value| self.is_true(value) == wanted)
        };
        condition("skip", false) && condition("include", true)
    }

    fn is_true(&self, value: &Value) -> bool {
        match value {
            Value::Boolean(value) => *value,
            Value::Variable(name) => {
                let value = self.variables.get(name.as_str());
                value.and_then(|value| value.as_bool()) == Some(true)
            }
            _ => false,
        }
    }

    /// Returns the number of the next field.
    fn number(&mut self) -> Result<usize, TooManyFields> {
        let number = self.fields;
        self.fields += 1;
        if self.fields > self.most {
            return Err(TooManyFields);
        }
        Ok(number)
    }
}
