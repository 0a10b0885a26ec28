//! Measures a parsed document: how many of each thing it has, and how deep it goes.
//!
//! Every selection set is walked once: a fragment's measures are kept, and where it is spread they are
//! added, so a document that expands to 2^30 fields takes as long to measure as any of its length.
//!
//! Recursion is bounded: within a definition by the nesting that [`super::scan`] allows, and across
//! definitions by the number of fragments, since none is walked within itself, so by `nesting` times
//! one more than `fragments`. Every level also takes at least three tokens (`a{}`), so it is less than
//! a third of `tokens` too. [`Limits::MAX`] keeps all three where a thread's stack is enough, whatever
//! is set; a test walks the deepest document there can be.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

use super::{Limit, Limits, Unfit};

/// Introspection's lists whose elements lead back to types.
const LISTS_OF_TYPES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// Holds a document against all limits but those of cost, and against two rules that the executor's
/// validation lacks: fragments form no cycle, because nothing could be measured then, and a
/// subscription has one field.
///
/// # Errors
/// The first limit or rule that it breaks.
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
        // How deep a fragment is says little: it may be part of an introspection.
        Limit::Depth.hold(measured.depth, limits.depth)?;
        hold_roots(&operation.node, measured.roots, limits)?;
        fields = fields.saturating_add(measured.fields);
    }
    Limit::Fields.hold(fields, limits.fields)?;
    Ok(())
}

/// What counts of a selection set, its fragments expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Measures {
    /// All fields.
    fields: usize,
    /// Fields of the set itself.
    roots: usize,
    /// How deep fields go, outside of introspection.
    depth: usize,
    /// How deep they go within introspection.
    introspection_depth: usize,
    /// How many lists of types are within each other, if this is introspection.
    lists: usize,
    /// How many there are within introspection.
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

    /// The measures of a set of only this field, whose own set has measures `self`.
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
    /// The fragments that were measured, and without measures those that are being.
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
            // One that does not exist is for validation to complain about. It counts as a field, so
            // that spreads of nothing but spreads add up too.
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

/// Counts what stands in the document, each once.
#[derive(Default)]
struct Counts {
    aliases: usize,
    directives: usize,
    /// The most in one place.
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
