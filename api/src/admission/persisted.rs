//! Automatic persisted queries, as Apollo's clients send them: `extensions.persistedQuery` with `version` 1
//! and `sha256Hash`. A client sends the hash alone. It adds the document only after the answer
//! `PERSISTED_QUERY_NOT_FOUND`.

use apollo_compiler::response::{JsonMap, JsonValue};

use super::refusal::Refusal;
use crate::admission::documents::Hash;

/// The name of the extension.
const EXTENSION: &str = "persistedQuery";

/// Returns true if a request names its document by a hash. Null counts as absent.
pub(crate) fn is_named(extensions: &JsonMap) -> bool {
    extension(extensions).is_some()
}

fn extension(extensions: &JsonMap) -> Option<&JsonValue> {
    extensions
        .get(EXTENSION)
        .filter(|extension| !extension.is_null())
}

/// Returns the hash that a request names, if it names one.
///
/// # Errors
/// When the extension has an unknown version, or its hash is invalid.
pub(crate) fn hash(extensions: &JsonMap) -> Result<Option<Hash>, Refusal> {
    let Some(extension) = extension(extensions) else {
        return Ok(None);
    };
    let JsonValue::Object(fields) = extension else {
        return Err(Refusal::Persisted("must be an object"));
    };
    if fields.get("version") != Some(&JsonValue::from(1)) {
        return Err(Refusal::Persisted("must have `version` 1"));
    }
    match fields.get("sha256Hash") {
        Some(JsonValue::String(hash)) => Hash::parse(hash.as_str()).map(Some),
        _ => None,
    }
    .ok_or(Refusal::Persisted(
        "must have `sha256Hash`, 64 hexadecimal digits",
    ))
}
