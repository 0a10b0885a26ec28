//! The operations on an event of any aggregate.

use super::{AGGREGATES, AggregateInfo, Event};
use crate::event::DecodeError;
use crate::stream_type::StreamType;

impl Event {
    /// Returns the event of that stored name with that payload, which is of the current schema version.
    ///
    /// # Errors
    /// When no aggregate has such an event, or the payload is not one of that event.
    pub fn from_json(event_type: &str, json: &str) -> Result<Self, DecodeError> {
        let (aggregate, _) =
            Self::declared(event_type).ok_or_else(|| DecodeError::UnknownType {
                event_type: event_type.to_owned(),
            })?;
        (aggregate.decode)(event_type, json)
    }

    /// Returns the aggregate that has an event of that stored name, and the event's current schema version.
    #[must_use]
    pub fn declared(event_type: &str) -> Option<(&'static AggregateInfo, i32)> {
        AGGREGATES.iter().find_map(|aggregate| {
            let mut events = aggregate.events.iter();
            let (_, version) = events.find(|(name, _)| *name == event_type)?;
            Some((aggregate, *version))
        })
    }

    /// Returns the type of stream, stored name and current schema version of every event.
    pub fn types() -> impl Iterator<Item = (StreamType, &'static str, i32)> {
        AGGREGATES.iter().flat_map(|aggregate| {
            let events = aggregate.events.iter();
            events.map(|(name, version)| (aggregate.stream_type, *name, *version))
        })
    }

    /// Returns one sample of every event, in the order of [`Event::types`], for golden files and docs.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        AGGREGATES
            .iter()
            .flat_map(|aggregate| (aggregate.samples)())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn stored_names_are_unique_and_carry_their_aggregate() {
        let mut seen = BTreeSet::new();
        for (stream_type, event_type, version) in Event::types() {
            assert!(seen.insert(event_type), "{event_type} is declared twice");
            assert!(
                event_type.starts_with(&stream_type.to_string()),
                "{event_type} of {stream_type}"
            );
            assert!(version >= 1, "{event_type} has version {version}");
        }
    }

    #[test]
    fn samples_follow_the_list_of_types() {
        let of_samples: Vec<_> = Event::samples()
            .iter()
            .map(|event| {
                (
                    event.stream_type(),
                    event.event_type(),
                    event.schema_version(),
                )
            })
            .collect();
        assert_eq!(of_samples, Event::types().collect::<Vec<_>>());
    }

    #[test]
    fn every_sample_survives_storage() {
        for event in Event::samples() {
            let json = event.to_json().expect("samples serialise");
            let read = Event::from_json(event.event_type(), &json).expect("samples decode");
            assert_eq!(read, event);
        }
    }

    #[test]
    fn fields_that_are_not_known_are_ignored() {
        let event = Event::from_json("droplet_protected", r#"{"since":"later"}"#);
        assert_eq!(event.expect("it decodes").event_type(), "droplet_protected");
    }

    #[test]
    fn an_unknown_type_is_named() {
        let error = Event::from_json("droplet_sold", "{}").expect_err("there is no such event");
        assert!(
            matches!(&error, DecodeError::UnknownType { event_type } if event_type == "droplet_sold")
        );
    }

    #[test]
    fn a_malformed_payload_names_the_event_and_keeps_its_source_apart() {
        let error = Event::from_json("droplet_renamed", "{}").expect_err("it has no names");
        assert_eq!(
            error.to_string(),
            "the stored payload is not one of a current `droplet_renamed`"
        );
        let source = std::error::Error::source(&error).expect("it has a source");
        assert!(source.to_string().contains("missing field"), "{source}");
    }

    #[test]
    fn an_event_is_not_taken_for_one_of_another_aggregate() {
        for event in Event::samples() {
            assert_eq!(event.takers(), [event.stream_type()]);
        }
    }
}
