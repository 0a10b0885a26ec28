//! The plan of an operation: its fields as they will run, with fragments inlined and selections merged.
//!
//! `graph::collect` makes plans, and a plan never changes. Everything after it, from the
//! price to the answer, sees only the plan.

use std::fmt;
use std::sync::Arc;

use apollo_compiler::ast::{Argument, Directive, OperationType};
use apollo_compiler::{Name, Node};
use async_graphql::Pos;

use super::field_meta::{FieldMeta, Source};
use super::types::{Table, TypeEntry};

/// The fields of an operation that run with certain values of its conditions.
pub struct Plan {
    /// The type of the operation.
    pub(crate) operation: OperationType,
    /// The pseudo field whose selection is that of the root.
    pub(crate) root: Arc<Field>,
    /// The number of fields, which bounds [`Field::number`].
    pub(crate) fields: usize,
}

impl Plan {
    /// Returns the fields of the root, in the order of the answer.
    pub(crate) fn roots(&self) -> &[Arc<Field>] {
        self.root.selection.fields()
    }
}

/// A field of an answer: all selections of one object that have the same response name.
pub struct Field {
    /// The number of the field among all fields of the plan.
    pub(crate) number: usize,
    /// The name of the field in the answer.
    pub(crate) key: Box<str>,
    /// The key as JSON, with its colon.
    pub(crate) encoded_key: Box<str>,
    /// The type that has the field.
    pub(crate) owner: Arc<TypeEntry>,
    /// The place of the field among the fields of its type.
    pub(crate) index: FieldIndex,
    /// The name of the field in the schema.
    pub(crate) name: Name,
    /// The arguments as they stand in the document.
    pub(crate) arguments: Vec<Node<Argument>>,
    /// The directives of all merged selections.
    pub(crate) directives: Vec<Node<Directive>>,
    /// The place of the first merged selection in the document.
    pub(crate) place: Pos,
    /// True if a failure makes the field null; otherwise a failure makes its object null.
    pub(crate) nullable: bool,
    /// The selection of the field's objects.
    pub(crate) selection: Selection,
}

/// The place of a field among the fields of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldIndex {
    /// The name of the type: `__typename`.
    TypeName,
    /// A field of the type's table.
    Table(usize),
}

/// The selection of a field's objects, by the type of object; empty for a leaf.
pub struct Selection(pub(crate) Vec<TypeSelection>);

/// The fields that are selected of objects of one type.
pub struct TypeSelection {
    /// The type.
    pub(crate) entry: Arc<TypeEntry>,
    /// The fields, in the order of the answer.
    pub(crate) fields: Vec<Arc<Field>>,
    /// True if one of the fields, or a field below one, is loaded.
    pub(crate) loads: bool,
}

impl Selection {
    /// Returns the selection of objects of this Rust type, with the table of their fields. A valid plan has
    /// one for every type of object that its field returns.
    pub(crate) fn of<T: 'static>(&self) -> Option<(&TypeSelection, &Table<T>)> {
        self.0
            .iter()
            .find_map(|selected| Some((selected, selected.entry.table::<T>()?)))
    }

    /// Returns the fields that are selected of the only type, or of the first one.
    pub(crate) fn fields(&self) -> &[Arc<Field>] {
        self.0.first().map_or(&[], |selected| &selected.fields)
    }

    /// Returns all fields of all types.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Field>> {
        self.0.iter().flat_map(|selected| &selected.fields)
    }
}

impl Field {
    /// Returns true if the field is read apart from its object.
    pub(crate) fn is_loaded(&self) -> bool {
        self.meta()
            .is_some_and(|meta| matches!(meta.source, Source::Loaded(_)))
    }

    /// Returns true if a field below this one is loaded.
    pub(crate) fn loads_below(&self) -> bool {
        self.selection.0.iter().any(|selected| selected.loads)
    }

    /// Returns the properties of the field, or `None` for `__typename`.
    pub(crate) fn meta(&self) -> Option<&FieldMeta> {
        match self.index {
            FieldIndex::TypeName => None,
            FieldIndex::Table(index) => self.owner.fields.get(index),
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plan")
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
