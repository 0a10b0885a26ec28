//! Parses and validates documents by the specification, with a library and with what it lacks.
//!
//! The library is `apollo-compiler`; `docs/decisions/0004-documents.md` compares it with others.

use apollo_compiler::ast::{Document, OperationType};
use apollo_compiler::diagnostic::Diagnostic;
use apollo_compiler::executable::{ExecutableDocument, Selection, SelectionSet};
use apollo_compiler::parser::{LineColumn, Parser};
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid};
use async_graphql::Pos;

use super::values;
use crate::admission::limits::scan::Scanned;
use crate::admission::limits::{Excess, Fault, Limit, Limits, Unfit, shape};
use crate::graph::collect::{NoPlan, collect};
use crate::graph::execute::schema::ExecutableSchema;

/// The name of the document in the library, which no client sees.
const NAME: &str = "document";

/// The end of the library's error for a subscription with several fields at its root, which also concerns
/// a field that stands there twice.
const ONE_ROOT_FIELD: &str = "can only have one root field";

/// The library's error for an unknown field.
const UNKNOWN_FIELD: &str = "does not have a field";

/// The end of the library's error for a field without a selection. The library also reports a selection of
/// nothing but unknown fields so, beside the error of each of them.
const NO_SELECTION: &str = "must have a subselection set";

/// The maximum number of errors that a client gets.
pub(super) const MAX_FAULTS: usize = 20;

/// Returns a text as a valid document. The text is scanned.
///
/// # Errors
/// The first limit, or the rules, that the text breaks.
pub(super) fn read(
    text: &str,
    scanned: &Scanned,
    limits: &Limits,
    schema: &ExecutableSchema,
) -> Result<Valid<ExecutableDocument>, Unfit> {
    check_descriptions(&scanned.descriptions(text))?;
    let parsed = parse(&scanned.blanked(text), limits)?;
    let valid = match parsed.to_executable_validate(&schema.definition) {
        Ok(valid) => valid,
        Err(invalid) => {
            if invalid.errors.iter().any(|error| !is_of_one_root(&error)) {
                return Err(Unfit::Invalid(faults(&invalid.errors)));
            }
            // The root of subscriptions is checked below.
            Valid::assume_valid(invalid.partial)
        }
    };
    values::check(&valid, schema)?;
    check_subscriptions(&valid)?;
    check_merges(&valid, limits, schema)?;
    Ok(valid)
}

/// Checks that descriptions, which the library does not read, are strings: it reads them as values.
fn check_descriptions(descriptions: &[&str]) -> Result<(), Unfit> {
    if descriptions.is_empty() {
        return Ok(());
    }
    let values = format!("{{ a(a: [{}]) }}", descriptions.join(" "));
    let parsed = Parser::new().parse_ast(values, NAME);
    parsed.map(|_| ()).map_err(|invalid| {
        let fault = faults(&invalid.errors).swap_remove(0);
        Unfit::Unreadable(Fault {
            message: format!("in a description: {}", fault.message),
            place: None,
        })
    })
}

/// Checks that fields with one response name can be merged, whatever their conditions: the library takes
/// some lists for the same that are not. See
/// [Field Selection Merging](https://spec.graphql.org/September2025/#sec-Field-Selection-Merging).
fn check_merges(
    document: &Valid<ExecutableDocument>,
    limits: &Limits,
    schema: &ExecutableSchema,
) -> Result<(), Unfit> {
    for operation in document.operations.iter() {
        match collect(schema, document, operation, None, limits.fields) {
            Ok(_) => {}
            Err(NoPlan::TooManyFields) => return Err(too_many_fields(limits).into()),
            Err(NoPlan::Conflict { name, place }) => {
                let message = format!(
                    "fields called `{name}` have different names, arguments or idempotency keys: give one an alias"
                );
                return Err(Unfit::invalid(message, Some(place)));
            }
        }
    }
    Ok(())
}

/// Returns the error for a plan with too many fields.
pub(crate) const fn too_many_fields(limits: &Limits) -> Excess {
    Excess {
        limit: Limit::Fields,
        found: limits.fields + 1,
        allowed: limits.fields,
    }
}

/// Parses and measures a text that was blanked.
///
/// # Errors
/// The first limit that the text breaks, or its first error.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Document, Unfit> {
    let mut parser = Parser::new().recursion_limit(10 * limits.nesting);
    let parsed = parser.parse_ast(text, NAME).map_err(|invalid| {
        let mut faults = faults(&invalid.errors);
        // One error in the syntax often leads to others.
        Unfit::Unreadable(faults.swap_remove(0))
    })?;
    shape::check(&parsed, limits)?;
    Ok(parsed)
}

/// True if the error is that of [`ONE_ROOT_FIELD`].
fn is_of_one_root(error: &Diagnostic<'_, DiagnosticData>) -> bool {
    error.error.to_string().ends_with(ONE_ROOT_FIELD)
}

/// Returns the errors of the library, each once, up to [`MAX_FAULTS`].
fn faults(errors: &DiagnosticList) -> Vec<Fault> {
    let unknown: Vec<_> = errors
        .iter()
        .filter(|error| error.error.to_string().contains(UNKNOWN_FIELD))
        .filter_map(|error| error.line_column_range())
        .map(|range| (range.start.line, range.start.column))
        .collect();
    let mut faults: Vec<Fault> = Vec::new();
    for error in errors.iter().filter(|error| !is_of_one_root(error)) {
        let range = error.line_column_range();
        let message = error.error.to_string();
        if message.ends_with(NO_SELECTION)
            && let Some(range) = &range
            && unknown.iter().any(|place| {
                (range.start.line, range.start.column) < *place
                    && *place < (range.end.line, range.end.column)
            })
        {
            continue;
        }
        let fault = Fault {
            message,
            place: range.map(|range| place(range.start)),
        };
        if !faults.contains(&fault) && faults.len() < MAX_FAULTS {
            faults.push(fault);
        }
    }
    if faults.is_empty() {
        faults.push(Fault {
            message: "the document is empty".to_owned(),
            place: None,
        });
    }
    faults
}

pub(super) fn place(at: LineColumn) -> Pos {
    Pos {
        line: at.line,
        column: at.column,
    }
}

/// Checks that a subscription's root has no conditions, because the source of the subscription would depend
/// on them. See
/// [Single Root Field](https://spec.graphql.org/September2025/#sec-Single-Root-Field).
fn check_subscriptions(document: &Valid<ExecutableDocument>) -> Result<(), Unfit> {
    for operation in document.operations.iter() {
        if operation.operation_type == OperationType::Subscription {
            let mut names = Vec::new();
            root_names(document, &operation.selection_set, &mut names)?;
            if names.len() != 1 {
                let message = format!(
                    "a subscription has one field, not {}: subscribe to each on its own",
                    names.len()
                );
                return Err(Unfit::invalid(message, None));
            }
        }
    }
    Ok(())
}

fn root_names<'a>(
    document: &'a Valid<ExecutableDocument>,
    set: &'a SelectionSet,
    names: &mut Vec<&'a str>,
) -> Result<(), Unfit> {
    for selection in &set.selections {
        let directives = selection.directives();
        if directives.has("skip") || directives.has("include") {
            let message = "the root of a subscription may have neither @skip nor @include";
            return Err(Unfit::invalid(message, None));
        }
        match selection {
            Selection::Field(field) => {
                let name = field.response_key().as_str();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            Selection::InlineFragment(inline) => {
                root_names(document, &inline.selection_set, names)?;
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                    root_names(document, &fragment.selection_set, names)?;
                }
            }
        }
    }
    Ok(())
}
