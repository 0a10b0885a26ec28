//! Records commands that are denied, because the caller's role does not allow them.

use async_graphql::Value as Argument;
use commands::execute::Denial;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::graph::execute::context::{Arguments, Context};
use crate::graph::execute::field_meta::snake_case;
use crate::graph::services::Services;

/// The most bytes of arguments that are recorded; of more only the digest is.
const MAX_INPUT_BYTES: usize = 4_096;

/// Records that the field was denied, if it is a mutation.
pub(crate) async fn record(context: &Context) {
    let (Some(services), Ok(request), Some(need)) = (
        context.data::<Services>(),
        context.request(),
        context.denied_mutation(),
    ) else {
        return;
    };
    let denial = Denial {
        name: snake_case(&context.field().name),
        rule: need.name().to_owned(),
        input: input(context.arguments()),
    };
    services
        .commands
        .denied(&request.of_command(), denial)
        .await;
}

/// Returns the arguments as JSON. Returns their digest if they are long, or have the character U+0000, which Postgres
/// cannot read from JSON.
fn input(arguments: &Arguments) -> Value {
    let input = arguments.get("input").cloned().unwrap_or(Argument::Null);
    let input = input.into_json().unwrap_or_default();
    let text = input.to_string();
    if text.len() <= MAX_INPUT_BYTES && !text.contains("\\u0000") {
        return input;
    }
    let digest = Sha256::digest(&text);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "sha256": digest, "bytes": text.len() })
}
