//! Measures a parsed document: the number of its parts, and its depth.
//!
//! Every selection set is walked once. The measures of a fragment are kept, and are added where the
//! fragment is spread. So measuring a document that expands to 2^30 fields takes as long as measuring any
//! document of its length.
//!
//! Recursion is bounded. Within a definition the bound is the nesting that [`super::scan`] allows. Across
//! definitions the bound is the number of fragments, since no fragment is walked within itself. So the
//! depth is at most `nesting` times one more than `fragments`. Every level also takes at least three tokens
//! (`a{}`), so the depth is less than a third of `tokens` too. [`Limits::MAX`] bounds all three so that a
//! thread's stack suffices for every setting. A test walks the deepest possible document.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

use super::{Limit, Limits, Unfit};

/// The lists of an introspection whose elements lead back to types.
const LISTS_OF_TYPES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// Checks a document against all limits except those of cost, and against two rules that the executor's
/// validation lacks. Fragments form no cycle, because a cycle cannot be measured, and a subscription has
/// one field.
///
/// # Errors
/// The first limit or rule that the document breaks.
pub(crate) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), Unfit> {
    Limit::Fragments.hold(document.fragments.len(), limits.fragments)?;
    count(document, limits)?;

    let mut measuring = Measuring {
        document,
        fragments: HashMap::new(),
    };
    // Fragments that no operation spreads are validated too.
    for name in document.fragments.keys() {
        measuring.fragment(name)?.hold(limits)?;
    }
    let mut fields = 0_usize;
    for (_, operation) in document.operations.iter() {
        let measured = measuring.set(&operation.node.selection_set.node)?;
        measured.hold(limits)?;
        // The depth of a fragment is not checked: the fragment may be part of an introspection.
        Limit::Depth.hold(measured.depth, limits.depth)?;
        hold_roots(&operation.node, measured.roots, limits)?;
        fields = fields.saturating_add(measured.fields);
    }
    Limit::Fields.hold(fields, limits.fields)?;
    Ok(())
}

/// The measures of a selection set, with fragments expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Measures {
    /// The number of all fields.
    fields: usize,
    /// The number of fields of the set itself.
    roots: usize,
    /// The depth of fields outside of introspection.
    depth: usize,
    /// The depth of fields within introspection.
    introspection_depth: usize,
    /// The number of nested lists of types, if the set is introspection.
    lists: usize,
    /// The number of nested lists of types within introspection.
    introspection_lists: usize,
}

impl Measures {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.roots = self.roots.saturating_add(other.roots);
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        self.lists = self.lists.max(other.lists);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
    }

    /// Returns the measures of a set of only this field, whose own set has the measures `self`.
    fn under(self, field: &str) -> Self {
        let introspects = matches!(field, "__schema" | "__type");
        let lists = self.lists + usize::from(LISTS_OF_TYPES.contains(&field));
        Self {
            fields: self.fields.saturating_add(1),
            roots: 1,
            depth: if introspects { 0 } else { self.depth + 1 },
            introspection_depth: match (introspects, self.introspection_depth) {
                (true, _) => self.depth + 1,
                (false, 0) => 0,
                (false, deep) => deep + 1,
            },
            lists,
            introspection_lists: if introspects {
                lists
            } else {
                self.introspection_lists
            },
        }
    }

    fn hold(self, limits: &Limits) -> Result<(), Unfit> {
        Limit::Fields.hold(self.fields, limits.fields)?;
        Limit::IntrospectionDepth.hold(self.introspection_depth, limits.introspection_depth)?;
        Limit::IntrospectionLists.hold(self.introspection_lists, limits.introspection_lists)?;
        Ok(())
    }
}

struct Measuring<'a> {
    document: &'a ExecutableDocument,
    /// The measured fragments, and without measures the fragments that are being measured.
    fragments: HashMap<&'a str, Option<Measures>>,
}

impl<'a> Measuring<'a> {
    fn fragment(&mut self, name: &'a Name) -> Result<Measures, Unfit> {
        match self.fragments.get(name.as_str()) {
            Some(Some(measured)) => return Ok(*measured),
            Some(None) => {
                return Err(Unfit::Invalid(format!(
                    "the fragment {:?} spreads itself: take one of its spreads out",
                    name.as_str()
                )));
            }
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            // Validation rejects a fragment that does not exist. It counts as a field here, so that spreads
            // of only spreads add up too.
            return Ok(Measures {
                fields: 1,
                ..Measures::default()
            });
        };
        self.fragments.insert(name, None);
        let measured = self.set(&fragment.node.selection_set.node)?;
        self.fragments.insert(name, Some(measured));
        Ok(measured)
    }

    fn set(&mut self, set: &'a SelectionSet) -> Result<Measures, Unfit> {
        let mut measured = Measures::default();
        for selection in &set.items {
            measured.add(match &selection.node {
                Selection::Field(field) => {
                    let inner = self.set(&field.node.selection_set.node)?;
                    inner.under(&field.node.name.node)
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node)?
                }
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node)?,
            });
        }
        Ok(measured)
    }
}

fn hold_roots(operation: &OperationDefinition, roots: usize, limits: &Limits) -> Result<(), Unfit> {
    match operation.ty {
        OperationType::Query => Limit::RootFields.hold(roots, limits.root_fields)?,
        OperationType::Mutation => Limit::Mutations.hold(roots, limits.mutations)?,
        OperationType::Subscription if roots > 1 => {
            return Err(Unfit::Invalid(format!(
                "a subscription has one field, not {roots}: subscribe to each on its own"
            )));
        }
        OperationType::Subscription => {}
    }
    Ok(())
}

/// The numbers of aliases and directives in the document, each counted once.
#[derive(Default)]
struct Counts {
    aliases: usize,
    directives: usize,
    /// The maximum number in one place.
    field_directives: usize,
}

impl Counts {
    fn set(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            let here = selection.node.directives().len();
            self.field_directives = self.field_directives.max(here);
            match &selection.node {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.set(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn directives<Directive>(&mut self, directives: &[Positioned<Directive>]) {
        self.directives += directives.len();
    }
}

fn count(document: &ExecutableDocument, limits: &Limits) -> Result<(), Unfit> {
    let mut counts = Counts::default();
    for (_, operation) in document.operations.iter() {
        counts.directives(&operation.node.directives);
        for variable in &operation.node.variable_definitions {
            counts.directives(&variable.node.directives);
        }
        counts.set(&operation.node.selection_set.node);
    }
    for fragment in document.fragments.values() {
        counts.directives(&fragment.node.directives);
        counts.set(&fragment.node.selection_set.node);
    }
    Limit::Aliases.hold(counts.aliases, limits.aliases)?;
    Limit::FieldDirectives.hold(counts.field_directives, limits.field_directives)?;
    Limit::Directives.hold(counts.directives, limits.directives)?;
    Ok(())
}
