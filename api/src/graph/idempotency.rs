//! The directive `@idempotent`, and the function that reads it.

use async_graphql::{Context, CustomDirective, Directive, Value};

/// The name of the directive.
const NAME: &str = "idempotent";

/// Makes the retry of a mutation safe. A second mutation with the same key and the same input has no
/// further effect, and returns the first receipt. A mutation with the same key and another input fails with
/// the code `IDEMPOTENCY_KEY_REUSED`. Keys belong to the organization and are kept for 30 days.
/// The directive has no effect on other fields.
#[Directive(location = "Field")]
pub(crate) fn idempotent(
    #[graphql(
        desc = "The client's name for one intention: 1 to 255 printable characters, such as a UUID."
    )]
    key: String,
) -> impl CustomDirective {
    // Nothing happens around the field: the mutation passes the key on with its command.
    let _ = key;
    Passive
}

struct Passive;

impl CustomDirective for Passive {}

/// Returns the key that was sent with this field, if any. The command checks the format of the key.
pub(crate) fn key_of(context: &Context<'_>) -> async_graphql::Result<Option<String>> {
    let directives = context.field().directives()?;
    let key = directives
        .iter()
        .find(|directive| directive.name.node == NAME)
        .and_then(|directive| directive.get_argument("key"));
    Ok(match key.map(|key| &key.node) {
        Some(Value::String(key)) => Some(key.clone()),
        // The executor rejects a document without the argument, or with an argument of another type.
        Some(_) | None => None,
    })
}
