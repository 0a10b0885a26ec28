//! The names of stream types for people, storage and topics.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::{AGGREGATES, AggregateInfo};
use crate::stream_type::StreamType;

impl StreamType {
    /// Returns the types that this program knows, in order of their codes.
    #[must_use]
    pub fn known() -> &'static [Self] {
        super::STREAM_TYPES
    }

    /// Returns the description of the aggregate; `None` for a type of a newer program.
    #[must_use]
    pub fn info(self) -> Option<&'static AggregateInfo> {
        AGGREGATES.iter().find(|info| info.stream_type == self)
    }

    /// Returns the name used in storage and in topics, such as `droplet`; `None` for a type of a newer
    /// program.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.info().map(|info| info.name)
    }
}

/// Writes the name, or `type-7` for a type of a newer program.
impl fmt::Display for StreamType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "{UNKNOWN}{}", self.code()),
        }
    }
}

/// The prefix of the text of an unknown type. No name of an aggregate has a hyphen.
const UNKNOWN: &str = "type-";

/// Reads the text that [`Display`](fmt::Display) writes, also from another version of this program. The
/// text `type-0` is the type with the code 0, whatever this program calls it.
impl FromStr for StreamType {
    type Err = UnknownStreamType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = AGGREGATES.iter().find(|info| info.name == text);
        let by_code = || text.strip_prefix(UNKNOWN)?.parse().ok();
        known
            .map(|info| info.stream_type)
            .or_else(|| by_code().filter(|code| *code >= 0).map(Self::new))
            .ok_or_else(|| UnknownStreamType {
                name: text.to_owned(),
            })
    }
}

impl Serialize for StreamType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl TryFrom<String> for StreamType {
    type Error = UnknownStreamType;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

/// A name that is no [`StreamType`] of this program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name:?} is not a stream type: use one of {}", known_names())]
pub struct UnknownStreamType {
    /// The given name.
    pub name: String,
}

fn known_names() -> String {
    let names: Vec<_> = AGGREGATES.iter().map(|info| info.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_names_have_no_hyphen() {
        for (place, info) in AGGREGATES.iter().enumerate() {
            assert!(!info.name.contains('-'), "{}", info.name);
            assert!(info.stream_type.code() >= 0);
            for other in &AGGREGATES[place + 1..] {
                assert_ne!(info.name, other.name);
                // Sorted, so that what is listed in the order of codes stays so.
                assert!(info.stream_type < other.stream_type);
            }
        }
    }

    #[test]
    fn every_type_is_read_as_it_was_written() {
        let unknown = StreamType::new(7_000);
        assert_eq!(unknown.name(), None);
        for stream_type in StreamType::known().iter().copied().chain([unknown]) {
            let text = stream_type.to_string();
            assert_eq!(text.parse(), Ok(stream_type));
            let json = serde_json::to_string(&stream_type).expect("it serialises");
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(
                serde_json::from_str::<StreamType>(&json).expect("it decodes"),
                stream_type
            );
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_names_there_are() {
        for bad in ["", "Droplet", "type-", "type--1", "type-99999", "type-x"] {
            let error = bad.parse::<StreamType>().expect_err(bad);
            assert!(error.to_string().contains("droplet, job"), "{error}");
        }
    }
}
