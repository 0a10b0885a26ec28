//! Requests the type of objects where the order of their fields depends on it.
//!
//! Below a field of an interface or union type, fragments apply to some objects and not to others. So the
//! same fields may have another order in each object. There the executed document also selects the type,
//! under a name that the document does not use. The answer is removed from the result.

use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use async_graphql::{Name, Pos, Positioned, Value};

/// The start of the marker's name in a result, and usually the whole name.
const MARKER: &str = "__concreteType";

/// A document with markers.
#[derive(Debug)]
pub(crate) struct Marked {
    /// The document.
    pub(crate) document: ExecutableDocument,
    /// The name of every marker in a result, which no other field of the result has.
    pub(crate) marker: Name,
}

/// Returns the document with markers, or `None` if it has no place for one. Takes time linear in the length
/// of the document.
pub(crate) fn marked(document: &ExecutableDocument, registry: &Registry) -> Option<Marked> {
    let mut document = document.clone();
    let marking = Marking {
        registry,
        marker: unused_name(&document),
    };
    let mut markers = match &mut document.operations {
        DocumentOperations::Single(operation) => marking.operation(&mut operation.node),
        DocumentOperations::Multiple(operations) => operations
            .values_mut()
            .map(|operation| marking.operation(&mut operation.node))
            .sum(),
    };
    for fragment in document.fragments.values_mut() {
        let on = registry
            .types
            .get(&*fragment.node.type_condition.node.on.node);
        markers += marking.set(&mut fragment.node.selection_set.node, on);
    }
    (markers > 0).then_some(Marked {
        document,
        marker: marking.marker,
    })
}

/// Removes the answer of a marker from an object, and returns it if there is one.
pub(super) fn take(object: &mut IndexMap<Name, Value>, marker: &Name) -> Option<String> {
    match object.swap_remove(marker) {
        Some(Value::String(kind)) => Some(kind),
        _ => None,
    }
}

/// Returns a name that no field has in a result of the document. Clients do not usually name a field like
/// the marker, but may do so.
fn unused_name(document: &ExecutableDocument) -> Name {
    let operations = document.operations.iter();
    let operations = operations.map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values();
    let fragments = fragments.map(|fragment| &fragment.node.selection_set.node);
    let mut used = HashSet::new();
    for set in operations.chain(fragments) {
        names_like_marker(set, &mut used);
    }
    let mut name = MARKER.to_owned();
    let mut number = 0_usize;
    while used.contains(name.as_str()) {
        number += 1;
        name = format!("{MARKER}{number}");
    }
    Name::new(name)
}

fn names_like_marker<'a>(set: &'a SelectionSet, into: &mut HashSet<&'a str>) {
    for selection in &set.items {
        let inner = match &selection.node {
            Selection::Field(field) => {
                let name = field.node.response_key().node.as_str();
                if name.starts_with(MARKER) {
                    into.insert(name);
                }
                &field.node.selection_set.node
            }
            Selection::InlineFragment(inline) => &inline.node.selection_set.node,
            Selection::FragmentSpread(_) => continue,
        };
        names_like_marker(inner, into);
    }
}

struct Marking<'a> {
    registry: &'a Registry,
    marker: Name,
}

/// Adds markers; each method returns the number of markers that it added.
impl Marking<'_> {
    fn operation(&self, operation: &mut OperationDefinition) -> usize {
        let root = match operation.ty {
            OperationType::Query => Some(&self.registry.query_type),
            OperationType::Mutation => self.registry.mutation_type.as_ref(),
            OperationType::Subscription => self.registry.subscription_type.as_ref(),
        };
        let root = root.and_then(|root| self.registry.types.get(root));
        self.set(&mut operation.selection_set.node, root)
    }

    /// Marks a selection on this type. Validation rejects fields and types that the schema does not know.
    fn set(&self, set: &mut SelectionSet, on: Option<&MetaType>) -> usize {
        let mut markers = 0;
        let mut has_fragments = false;
        for selection in &mut set.items {
            markers += match &mut selection.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let field_type = on
                        .and_then(|on| on.field_by_name(name))
                        .map(|field| MetaTypeName::concrete_typename(&field.ty))
                        .and_then(|name| self.registry.types.get(name));
                    self.set(&mut field.node.selection_set.node, field_type)
                }
                Selection::InlineFragment(inline) => {
                    has_fragments = true;
                    let condition = inline.node.type_condition.as_ref();
                    let on = match condition {
                        Some(condition) => self.registry.types.get(&*condition.node.on.node),
                        None => on,
                    };
                    self.set(&mut inline.node.selection_set.node, on)
                }
                Selection::FragmentSpread(_) => {
                    has_fragments = true;
                    0
                }
            };
        }
        if has_fragments && on.is_some_and(MetaType::is_abstract) {
            set.items.push(self.marker());
            markers += 1;
        }
        markers
    }

    fn marker(&self) -> Positioned<Selection> {
        let here = |name| Positioned::new(name, Pos::default());
        let field = Field {
            alias: Some(here(self.marker.clone())),
            name: here(Name::new("__typename")),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        let field = Positioned::new(field, Pos::default());
        Positioned::new(Selection::Field(field), Pos::default())
    }
}
