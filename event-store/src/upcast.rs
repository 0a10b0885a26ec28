//! Brings stored payloads of older shapes to the shape of this program, one version at a time.
//!
//! Stored events are never rewritten; they are read through this chain. An upcast is written once and
//! never edited later: the golden file of its version decodes for ever. A new shape adds one arm
//! to `step`.

use serde_json::{Value, json};

use crate::error::CodecError;

/// Brings a payload from the schema version it was written in to the current one.
///
/// # Errors
/// When it was written by a newer program, or is not what its version says.
pub fn to_current(
    event_type: &str,
    found: i32,
    current: i32,
    data: &str,
) -> Result<String, CodecError> {
    if found > current {
        return Err(CodecError::TooNew {
            event_type: event_type.to_owned(),
            found,
            known: current,
        });
    }
    let malformed =
        |why: String| CodecError::Message(format!("{event_type} version {found}: {why}"));
    let mut value: Value = serde_json::from_str(data).map_err(|e| malformed(e.to_string()))?;
    for version in found..current {
        step(event_type, version, &mut value)
            .ok_or_else(|| malformed(format!("no way from version {version} to the next")))?;
    }
    Ok(value.to_string())
}

/// One step: from `version` of a type to the next. `None` when there is no such step or the payload
/// is not an object.
fn step(event_type: &str, version: i32, payload: &mut Value) -> Option<()> {
    let payload = payload.as_object_mut()?;
    match (event_type, version) {
        // Before version 2 the platform provisioned every droplet itself.
        ("droplet_requested", 1) => payload.insert("provisioner".to_owned(), json!("PLATFORM")),
        _ => return None,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_shape_of_droplet_requested_gets_the_platform_as_provisioner() {
        let current = to_current("droplet_requested", 1, 2, r#"{"name":"web-1"}"#);
        let value: Value = serde_json::from_str(&current.expect("upcasts")).expect("is JSON");
        assert_eq!(value, json!({"name": "web-1", "provisioner": "PLATFORM"}));
    }

    #[test]
    fn a_payload_of_a_newer_program_is_refused() {
        let error = to_current("droplet_requested", 3, 2, "{}").expect_err("is too new");
        assert_eq!(
            error.to_string(),
            "droplet_requested has schema version 3, this program knows up to 2"
        );
    }

    #[test]
    fn a_missing_step_is_an_error_and_not_a_guess() {
        let error = to_current("droplet_renamed", 0, 1, "{}").expect_err("has no step");
        assert!(
            error.to_string().contains("no way from version 0"),
            "{error}"
        );
    }
}
