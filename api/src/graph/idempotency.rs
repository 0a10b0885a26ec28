//! The directive `@idempotent`.

use async_graphql::{CustomDirective, Directive};

/// The name of the directive.
pub(crate) const NAME: &str = "idempotent";
/// The name of its argument.
pub(crate) const KEY: &str = "key";

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
