//! The directive `@idempotent`, and how a mutation reads it.

use async_graphql::{Context, CustomDirective, Directive, Value};

/// The directive's name.
const NAME: &str = "idempotent";

/// Makes a mutation safe to send again. Sent twice with the same key and the same input, it is done
/// once and answered with the first receipt; with another input, it fails with the code
/// `IDEMPOTENCY_KEY_REUSED`. Keys belong to the organization and are kept for at least 24 hours. On
/// other fields it has no effect.
#[Directive(location = "Field")]
pub(crate) fn idempotent(
    #[graphql(desc = "1 to 255 printable characters that name this one wish, such as a UUID")] key: String,
) -> impl CustomDirective {
    // Nothing happens around the field: the mutation passes the key on with its command.
    let _ = key;
    Passive
}

struct Passive;

impl CustomDirective for Passive {}

/// The key that this field was sent with, if any; whether it is one is for the command to check.
pub(crate) fn key_of(context: &Context<'_>) -> async_graphql::Result<Option<String>> {
    let directives = context.field().directives()?;
    let key = directives
        .iter()
        .find(|directive| directive.name.node == NAME)
        .and_then(|directive| directive.get_argument("key"));
    Ok(match key.map(|key| &key.node) {
        Some(Value::String(key)) => Some(key.clone()),
        // The executor refuses a document without the argument, or with another type.
        Some(_) | None => None,
    })
}
