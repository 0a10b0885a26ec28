//! The directive `@idempotent`, and how a mutation reads it.

use async_graphql::{Context, CustomDirective, Directive, Value};

/// The directive's name.
const NAME: &str = "idempotent";

/// The most characters of a key.
pub(crate) const MAX_KEY_CHARS: usize = 255;

/// Makes a mutation safe to send again. Sent twice with the same key and the same input, it is done
/// once and answered with the first receipt; with another input, it fails with the code
/// `IDEMPOTENCY_KEY_REUSED`. Keys belong to the organization and are kept for at least 24 hours. On
/// other fields it has no effect.
#[Directive(location = "Field")]
pub(crate) fn idempotent(
    #[graphql(desc = "1 to 255 characters that name this one wish, such as a UUID")] key: String,
) -> impl CustomDirective {
    // Nothing happens around the field: the mutation passes the key on with its command.
    let _ = key;
    Passive
}

struct Passive;

impl CustomDirective for Passive {}

/// A key that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key of @idempotent has {characters} characters: use 1 to {MAX_KEY_CHARS}")]
pub(crate) struct InvalidKey {
    characters: usize,
}

/// The key that this field was sent with, if any.
pub(crate) fn key_of(
    context: &Context<'_>,
) -> async_graphql::Result<Result<Option<String>, InvalidKey>> {
    let directives = context.field().directives()?;
    let Some(directive) = directives.iter().find(|directive| directive.name.node == NAME) else {
        return Ok(Ok(None));
    };
    // The executor has refused a document without the argument, or with another type.
    let Some(Value::String(key)) = directive.get_argument("key").map(|key| key.node.clone()) else {
        return Ok(Ok(None));
    };
    let characters = key.chars().count();
    if (1..=MAX_KEY_CHARS).contains(&characters) {
        Ok(Ok(Some(key)))
    } else {
        Ok(Err(InvalidKey { characters }))
    }
}
