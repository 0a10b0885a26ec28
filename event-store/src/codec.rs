//! The codec between events and stored bytes. Writing gives the current shape. Reading takes every shape
//! that was ever written, through [`crate::upcast`].

use domain::event::DecodeError;
use domain::registry::Event;

use crate::envelope::{Recorded, StoredEvent};
use crate::error::CodecError;
use crate::upcast;

/// Decodes a stored event.
///
/// # Errors
/// When the event's type is unknown, its shape is newer than this program, or its bytes do not fit its type
/// and schema version.
pub fn decode(stored: &StoredEvent) -> Result<Recorded, CodecError> {
    let metadata = serde_json::from_str(&stored.metadata).map_err(CodecError::Metadata)?;
    Ok(Recorded {
        stream: stored.stream,
        version: stored.version,
        event_id: stored.event_id,
        org: stored.org.clone(),
        metadata,
        recorded_at: stored.recorded_at,
        event: payload(&stored.event_type, stored.schema_version, &stored.data)?,
    })
}

/// Decodes a payload of any schema version.
///
/// # Errors
/// As [`decode`].
pub fn payload(event_type: &str, schema_version: i32, data: &str) -> Result<Event, CodecError> {
    let (aggregate, current) =
        Event::declared(event_type).ok_or_else(|| DecodeError::UnknownType {
            event_type: event_type.to_owned(),
        })?;
    if schema_version == current {
        return Ok(Event::from_json(event_type, data)?);
    }
    let upcasted =
        upcast::to_current(aggregate.upcasts, event_type, schema_version, current, data)?;
    Ok(Event::from_json(event_type, &upcasted)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Every golden file, of every version that was ever written, decodes for ever.
    #[test]
    fn all_golden_events_decode() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/golden/events");
        let mut decoded = 0;
        for entry in fs::read_dir(golden).expect("the golden files are there") {
            let path = entry.expect("is readable").path();
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .expect("a name in UTF-8");
            let (event_type, rest) = name.split_once(".v").expect("<event type>.v<version>.json");
            let version = rest.strip_suffix(".json").and_then(|v| v.parse().ok());
            let data = fs::read_to_string(&path).expect("is readable");
            let event = payload(event_type, version.expect("a version"), &data);
            assert_eq!(event.expect(name).event_type(), event_type);
            decoded += 1;
        }
        assert!(
            decoded > Event::types().count(),
            "there is at least one event of an older version"
        );
    }
}
