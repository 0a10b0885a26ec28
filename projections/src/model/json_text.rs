//! JSON that is passed on and not looked into.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A JSON value as its text, which is known to be valid. A tree of the same value takes many times its space.
///
/// Serialises, by `serde_json`, to the value itself. Texts of the same value are equal, however they are
/// written.
#[derive(Clone)]
pub struct JsonText(Box<str>);

impl JsonText {
    /// Writes a value as its text.
    ///
    /// # Errors
    /// When the value is no JSON: a key of a map is no string.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::to_string(value)?.into_boxed_str()))
    }

    /// Takes a text from Postgres, which has checked it.
    pub(super) fn checked(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the value as a tree.
    fn tree(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.0).ok()
    }
}

/// The value `null`, which also stands for a value that was not read.
impl Default for JsonText {
    fn default() -> Self {
        Self("null".into())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.tree() == other.tree()
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer).map_err(D::Error::custom)?;
        Ok(Self(raw.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_written_and_read_unchanged() {
        let text = r#"[{"b": 1.50, "a": "\u00e9"}, null]"#;
        let read: Vec<JsonText> = serde_json::from_str(text).expect("is JSON");
        assert_eq!(read[0].as_str(), r#"{"b": 1.50, "a": "\u00e9"}"#);
        let written = serde_json::to_string(&read).expect("is JSON");
        assert_eq!(written, r#"[{"b": 1.50, "a": "\u00e9"},null]"#);
    }

    #[test]
    fn texts_are_equal_if_their_values_are() {
        let text = |text| serde_json::from_str::<JsonText>(text).expect("is JSON");
        assert_eq!(text(r#"{"a": [1, 2]}"#), text(r#"{"a":[1,2]}"#));
        assert_ne!(text(r#"{"a": 1}"#), text(r#"{"a": 2}"#));
        let value = json!({"a": [1, 2]});
        assert_eq!(
            JsonText::of(&value).expect("is JSON"),
            text(r#"{"a":[1,2]}"#)
        );
    }

    #[test]
    fn a_text_that_is_no_json_is_not_taken() {
        assert!(serde_json::from_str::<JsonText>("{1}").is_err());
    }
}
