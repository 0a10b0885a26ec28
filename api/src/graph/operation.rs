//! Selects the operation of a document that runs.

use async_graphql::Positioned;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};

/// Returns the operation that the executor will run, by the rule of the executor. With a name, that is the
/// operation of that name; without a name, the only operation, with or without a name. Returns `None` if
/// the executor will reject the request because the operation is ambiguous.
pub(crate) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a Positioned<OperationDefinition>> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        // The parser calls also one operation multiple when it has a name.
        (DocumentOperations::Multiple(operations), None) => {
            let mut operations = operations.values();
            let only = operations.next();
            only.filter(|_| operations.next().is_none())
        }
    }
}
