//! Asks objects for their type where the order of their fields depends on it.
//!
//! Where a field gives an interface or a union, fragments apply to some of its objects and not to
//! others, and the same fields may be in another order in each. So there the document that is run asks
//! for the type besides, by a name that is no client's, and the answer is taken out again.

use async_graphql::{
    Name, Pos, Positioned, Value,
    indexmap::IndexMap,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType,
        Selection, SelectionSet,
    },
    registry::{MetaType, MetaTypeName, Registry},
};

/// The marker's name in a result. The specification keeps names like this one from clients.
const MARKER: &str = "__concreteType";

/// The document with markers, if there is a place for one. Takes time linear in its length.
pub(crate) fn marked(
    document: &ExecutableDocument,
    registry: &Registry,
) -> Option<ExecutableDocument> {
    let mut document = document.clone();
    let marking = Marking(registry);
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
    (markers > 0).then_some(document)
}

/// Takes the answer of a marker out of an object, if there is one.
pub(super) fn take(object: &mut IndexMap<Name, Value>) -> Option<String> {
    match object.swap_remove(MARKER) {
        Some(Value::String(kind)) => Some(kind),
        _ => None,
    }
}

struct Marking<'a>(&'a Registry);

/// Each gives how many markers it has put.
impl Marking<'_> {
    fn operation(&self, operation: &mut OperationDefinition) -> usize {
        let root = match operation.ty {
            OperationType::Query => Some(&self.0.query_type),
            OperationType::Mutation => self.0.mutation_type.as_ref(),
            OperationType::Subscription => self.0.subscription_type.as_ref(),
        };
        let root = root.and_then(|root| self.0.types.get(root));
        self.set(&mut operation.selection_set.node, root)
    }

    /// Marks a selection on this type. What the schema does not know, validation refuses.
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
                        .and_then(|name| self.0.types.get(name));
                    self.set(&mut field.node.selection_set.node, field_type)
                }
                Selection::InlineFragment(inline) => {
                    has_fragments = true;
                    let condition = inline.node.type_condition.as_ref();
                    let on = match condition {
                        Some(condition) => self.0.types.get(&*condition.node.on.node),
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
            set.items.push(marker());
            markers += 1;
        }
        markers
    }
}

fn marker() -> Positioned<Selection> {
    let here = |name| Positioned::new(Name::new(name), Pos::default());
    let field = Field {
        alias: Some(here(MARKER)),
        name: here("__typename"),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    let field = Positioned::new(field, Pos::default());
    Positioned::new(Selection::Field(field), Pos::default())
}
