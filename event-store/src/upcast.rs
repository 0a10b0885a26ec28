//! Upcasts stored payloads of older shapes to the shape of this program, one version at a time.
//!
//! Stored events are never rewritten. They are read through the steps that their aggregate declares
//! ([`UPCASTS`](domain::aggregate::Aggregate::UPCASTS)). The golden file of every version decodes for as
//! long as the program exists.

use domain::aggregate::Upcast;
use serde_json::{Map, Value};

use crate::error::CodecError;

/// Upcasts a payload from the schema version it was written in to the current one.
///
/// # Errors
/// When a newer program wrote the payload, or it does not fit its version.
pub fn to_current(
    upcasts: &[Upcast],
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
    let mut payload: Map<String, Value> =
        serde_json::from_str(data).map_err(|error| malformed(error.to_string()))?;
    for version in found..current {
        let upcast = upcasts
            .iter()
            .find(|upcast| upcast.event_type == event_type && upcast.from == version)
            .ok_or_else(|| malformed(format!("no way from version {version} to the next")))?;
        (upcast.step)(&mut payload);
    }
    Ok(Value::Object(payload).to_string())
}

#[cfg(test)]
mod tests {
    use domain::registry::AGGREGATES;
    use serde_json::json;

    use super::*;

    fn upcast(
        event_type: &str,
        found: i32,
        current: i32,
        data: &str,
    ) -> Result<String, CodecError> {
        let aggregate = AGGREGATES
            .iter()
            .find(|aggregate| aggregate.events.iter().any(|(name, _)| *name == event_type))
            .expect("an aggregate has this event");
        to_current(aggregate.upcasts, event_type, found, current, data)
    }

    #[test]
    fn the_first_shape_of_droplet_requested_gets_the_platform_as_provisioner() {
        let current = upcast("droplet_requested", 1, 2, r#"{"name":"web-1"}"#);
        let value: Value = serde_json::from_str(&current.expect("upcasts")).expect("is JSON");
        assert_eq!(value, json!({"name": "web-1", "provisioner": "PLATFORM"}));
    }

    #[test]
    fn a_payload_of_a_newer_program_is_refused() {
        let error = upcast("droplet_requested", 3, 2, "{}").expect_err("is too new");
        assert_eq!(
            error.to_string(),
            "droplet_requested has schema version 3, this program knows up to 2"
        );
    }

    #[test]
    fn a_missing_step_is_an_error_and_not_a_guess() {
        let error = upcast("droplet_renamed", 0, 1, "{}").expect_err("has no step");
        assert!(
            error.to_string().contains("no way from version 0"),
            "{error}"
        );
    }

    /// A version that was raised without its step would park every older event.
    #[test]
    fn every_version_below_the_current_one_has_its_step() {
        for aggregate in AGGREGATES {
            for (event_type, current) in aggregate.events {
                for version in 1..*current {
                    let found = upcast(event_type, version, *current, "{}");
                    assert!(found.is_ok(), "{event_type} version {version}");
                }
            }
        }
    }
}
