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

use apollo_compiler::Node;
use apollo_compiler::ast::{
    Definition, DirectiveList, Document, FragmentDefinition, OperationDefinition, OperationType,
    Selection,
};

use super::{Limit, Limits, Unfit};

/// The lists of an introspection whose elements lead back to types.
const LISTS_OF_TYPES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// Checks a document against all limits except those of cost. Fragments must have different names and form
/// no cycle, because others cannot be measured.
///
/// # Errors
/// The first limit or rule that the document breaks.
pub(crate) fn check(document: &Document, limits: &Limits) -> Result<(), Unfit> {
    let mut fragments = HashMap::new();
    let mut operations = Vec::new();
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => operations.push(operation),
            Definition::FragmentDefinition(fragment) => {
                let name = fragment.name.as_str();
                let twice = fragments.insert(name, fragment).map(|_| {
                    Unfit::invalid(format!("the fragment {name:?} is defined twice"), None)
                });
                twice.map_or(Ok(()), Err)?;
            }
            // Validation rejects definitions of types.
            _ => {}
        }
    }
    Limit::Fragments.check(fragments.len(), limits.fragments)?;
    count(&operations, &fragments, limits)?;

    let mut measuring = Measuring {
        fragments: &fragments,
        measured: HashMap::new(),
    };
    // Fragments that no operation spreads are validated too.
    for name in fragments.keys() {
        measuring.fragment(name)?.check(limits)?;
    }
    let mut fields = 0_usize;
    for operation in operations {
        let measured = measuring.set(&operation.selection_set)?;
        measured.check(limits)?;
        // The depth of a fragment is not checked: the fragment may be part of an introspection.
        Limit::Depth.check(measured.depth, limits.depth)?;
        match operation.operation_type {
            OperationType::Query => Limit::RootFields.check(measured.roots, limits.root_fields)?,
            OperationType::Mutation => Limit::Mutations.check(measured.roots, limits.mutations)?,
            // Validation allows one.
            OperationType::Subscription => {}
        }
        fields = fields.saturating_add(measured.fields);
    }
    Limit::Fields.check(fields, limits.fields)?;
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

    fn check(self, limits: &Limits) -> Result<(), Unfit> {
        Limit::Fields.check(self.fields, limits.fields)?;
        Limit::IntrospectionDepth.check(self.introspection_depth, limits.introspection_depth)?;
        Limit::IntrospectionLists.check(self.introspection_lists, limits.introspection_lists)?;
        Ok(())
    }
}

type Fragments<'a> = HashMap<&'a str, &'a Node<FragmentDefinition>>;

struct Measuring<'a> {
    fragments: &'a Fragments<'a>,
    /// The measured fragments, and without measures the fragments that are being measured.
    measured: HashMap<&'a str, Option<Measures>>,
}

impl<'a> Measuring<'a> {
    fn fragment(&mut self, name: &'a str) -> Result<Measures, Unfit> {
        match self.measured.get(name) {
            Some(Some(measured)) => return Ok(*measured),
            Some(None) => {
                let message =
                    format!("the fragment {name:?} spreads itself: take one of its spreads out");
                return Err(Unfit::invalid(message, None));
            }
            None => {}
        }
        let Some(fragment) = self.fragments.get(name) else {
            // Validation rejects a fragment that does not exist. It counts as a field here, so that spreads
            // of only spreads add up too.
            return Ok(Measures {
                fields: 1,
                ..Measures::default()
            });
        };
        self.measured.insert(name, None);
        let measured = self.set(&fragment.selection_set)?;
        self.measured.insert(name, Some(measured));
        Ok(measured)
    }

    fn set(&mut self, set: &'a [Selection]) -> Result<Measures, Unfit> {
        let mut measured = Measures::default();
        for selection in set {
            measured.add(match selection {
                Selection::Field(field) => self.set(&field.selection_set)?.under(&field.name),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name)?,
                Selection::InlineFragment(inline) => self.set(&inline.selection_set)?,
            });
        }
        Ok(measured)
    }
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
    fn set(&mut self, set: &[Selection]) {
        for selection in set {
            let (directives, inner) = match selection {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.alias.is_some());
                    (&field.directives, Some(&field.selection_set))
                }
                Selection::InlineFragment(inline) => {
                    (&inline.directives, Some(&inline.selection_set))
                }
                Selection::FragmentSpread(spread) => (&spread.directives, None),
            };
            self.directives(directives);
            self.field_directives = self.field_directives.max(directives.len());
            if let Some(inner) = inner {
                self.set(inner);
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        self.directives += directives.len();
    }
}

fn count(
    operations: &[&Node<OperationDefinition>],
    fragments: &Fragments<'_>,
    limits: &Limits,
) -> Result<(), Unfit> {
    let mut counts = Counts::default();
    for operation in operations {
        counts.directives(&operation.directives);
        for variable in &operation.variables {
            counts.directives(&variable.directives);
        }
        counts.set(&operation.selection_set);
    }
    for fragment in fragments.values() {
        counts.directives(&fragment.directives);
        counts.set(&fragment.selection_set);
    }
    Limit::Aliases.check(counts.aliases, limits.aliases)?;
    Limit::FieldDirectives.check(counts.field_directives, limits.field_directives)?;
    Limit::Directives.check(counts.directives, limits.directives)?;
    Ok(())
}
