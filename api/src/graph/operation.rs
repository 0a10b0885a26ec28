//! Which operation of a document runs.

use async_graphql::Positioned;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};

/// The operation that the executor will run, found by its rule: the one of that name, or without a
/// name the only one, whether it has a name or not. None when the executor will refuse the request
/// because it is not clear which one is meant.
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
