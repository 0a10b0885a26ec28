//! Finds the variables that decide which fields of a document run.

use std::collections::BTreeSet;

use apollo_compiler::Name;
use apollo_compiler::executable::{ExecutableDocument, Selection, SelectionSet};

/// Returns the variables that `@skip` and `@include` name anywhere in the document.
pub(super) fn of(document: &ExecutableDocument) -> BTreeSet<Name> {
    let mut names = BTreeSet::new();
    for operation in document.operations.iter() {
        add(&operation.selection_set, &mut names);
    }
    for fragment in document.fragments.values() {
        add(&fragment.selection_set, &mut names);
    }
    names
}

fn add(set: &SelectionSet, names: &mut BTreeSet<Name>) {
    for selection in &set.selections {
        for directive in ["skip", "include"] {
            let directive = selection.directives().get(directive);
            let value = directive.and_then(|directive| directive.specified_argument_by_name("if"));
            names.extend(value.and_then(|value| value.as_variable()).cloned());
        }
        match selection {
            Selection::Field(field) => add(&field.selection_set, names),
            Selection::InlineFragment(inline) => add(&inline.selection_set, names),
            Selection::FragmentSpread(_) => {}
        }
    }
}
