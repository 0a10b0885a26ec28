//! Limits on free text and free JSON that people and agents may write into an event.
//!
//! Events are kept for ever and read by everyone. So free text and free JSON are bounded here, in the
//! rules, and not only at the edge. The limits keep every event readable and below the store's 60 KiB.
//! Postgres has no NUL character in its texts, and deeply nested JSON cannot be parsed back.

use serde_json::Value;
use thiserror::Error;

/// The most characters that a reason, a message or an error may have.
pub const MAX_TEXT_CHARS: usize = 2_000;

/// The most bytes that parameters or a result may have as compact JSON: 16 KiB.
pub const MAX_JSON_BYTES: usize = 16 * 1024;

/// The most levels of objects and arrays that parameters or a result may have.
pub const MAX_JSON_DEPTH: usize = 32;

/// The beginning of the names in JSON objects that `serde_json` keeps for itself. It reads an object with such a
/// name as another value, or not at all.
const RESERVED: &str = "$serde_json::";

/// An input that is beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidInput {
    /// A text has more than [`MAX_TEXT_CHARS`] characters.
    #[error("`{field}` has {chars} characters: shorten it to at most {MAX_TEXT_CHARS}")]
    TextTooLong {
        /// The input field.
        field: &'static str,
        /// The number of characters in the text.
        chars: usize,
    },
    /// A JSON value has more than [`MAX_JSON_BYTES`] bytes.
    #[error(
        "`{field}` takes {bytes} bytes as JSON: keep it to at most {MAX_JSON_BYTES}, and store anything larger \
         elsewhere"
    )]
    JsonTooLarge {
        /// The input field.
        field: &'static str,
        /// The number of bytes of the value as compact JSON.
        bytes: usize,
    },
    /// A JSON value is nested deeper than [`MAX_JSON_DEPTH`] levels.
    #[error("`{field}` is nested too deep: use at most {MAX_JSON_DEPTH} levels")]
    JsonTooDeep {
        /// The input field.
        field: &'static str,
    },
    /// An object in a JSON value has a name that begins with `$serde_json::`.
    #[error("`{field}` has a name that begins with `{RESERVED}`, which is reserved: rename it")]
    ReservedName {
        /// The input field.
        field: &'static str,
    },
    /// A text, or one inside a JSON value, holds the character U+0000.
    #[error("`{field}` holds a NUL character: remove it")]
    NulCharacter {
        /// The input field.
        field: &'static str,
    },
}

impl InvalidInput {
    /// Returns the name of the broken limit.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TextTooLong { .. } => "TEXT_TOO_LONG",
            Self::JsonTooLarge { .. } => "JSON_TOO_LARGE",
            Self::JsonTooDeep { .. } => "JSON_TOO_DEEP",
            Self::ReservedName { .. } => "RESERVED_NAME",
            Self::NulCharacter { .. } => "NUL_CHARACTER",
        }
    }

    /// Returns the input field that is beyond the limit.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::TextTooLong { field, .. }
            | Self::JsonTooLarge { field, .. }
            | Self::JsonTooDeep { field }
            | Self::ReservedName { field }
            | Self::NulCharacter { field } => field,
        }
    }
}

/// Checks a free text of this input field against the limits.
pub(crate) fn check_text(field: &'static str, text: &str) -> Result<(), InvalidInput> {
    let chars = text.chars().count();
    if chars > MAX_TEXT_CHARS {
        Err(InvalidInput::TextTooLong { field, chars })
    } else if text.contains('\0') {
        Err(InvalidInput::NulCharacter { field })
    } else {
        Ok(())
    }
}

/// Checks a free JSON value of this input field against the limits.
pub(crate) fn check_json(field: &'static str, value: &Value) -> Result<(), InvalidInput> {
    // The depth comes first, because the others descend as deep as the value is.
    if !is_within_depth(value, MAX_JSON_DEPTH) {
        return Err(InvalidInput::JsonTooDeep { field });
    }
    check_texts(field, value)?;
    let bytes = value.to_string().len();
    if bytes > MAX_JSON_BYTES {
        return Err(InvalidInput::JsonTooLarge { field, bytes });
    }
    Ok(())
}

fn is_within_depth(value: &Value, levels: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => {
            levels > 0 && items.iter().all(|item| is_within_depth(item, levels - 1))
        }
        Value::Object(fields) => {
            levels > 0
                && fields
                    .values()
                    .all(|field| is_within_depth(field, levels - 1))
        }
    }
}

/// Checks the texts inside the value, and the names of its objects.
fn check_texts(field: &'static str, value: &Value) -> Result<(), InvalidInput> {
    let check = |text: &str| match text.contains('\0') {
        true => Err(InvalidInput::NulCharacter { field }),
        false => Ok(()),
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().try_for_each(|item| check_texts(field, item)),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            check(name)?;
            if name.starts_with(RESERVED) {
                return Err(InvalidInput::ReservedName { field });
            }
            check_texts(field, value)
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, level| {
            if level % 2 == 0 {
                json!([inner])
            } else {
                json!({ "in": inner })
            }
        })
    }

    #[test]
    fn a_text_may_have_2000_characters_of_any_width() {
        assert_eq!(check_text("reason", &"ö".repeat(2_000)), Ok(()));
        assert_eq!(
            check_text("reason", &"ö".repeat(2_001)),
            Err(InvalidInput::TextTooLong {
                field: "reason",
                chars: 2_001
            })
        );
    }

    #[test]
    fn a_text_may_have_lines_but_no_nul() {
        assert_eq!(check_text("error", "first\n\tsecond"), Ok(()));
        assert_eq!(
            check_text("error", "a\0b"),
            Err(InvalidInput::NulCharacter { field: "error" })
        );
    }

    #[test]
    fn json_may_have_16_kib() {
        let quotes = 2;
        assert_eq!(
            check_json("result", &json!("x".repeat(MAX_JSON_BYTES - quotes))),
            Ok(())
        );
        assert_eq!(
            check_json("result", &json!("x".repeat(MAX_JSON_BYTES))),
            Err(InvalidInput::JsonTooLarge {
                field: "result",
                bytes: MAX_JSON_BYTES + quotes
            })
        );
    }

    #[test]
    fn json_may_have_32_levels() {
        assert_eq!(check_json("parameters", &nested(MAX_JSON_DEPTH)), Ok(()));
        assert_eq!(
            check_json("parameters", &nested(MAX_JSON_DEPTH + 1)),
            Err(InvalidInput::JsonTooDeep {
                field: "parameters"
            })
        );
    }

    #[test]
    fn json_holds_no_nul_in_names_or_values() {
        for bad in [json!("\0"), json!(["a", "\0"]), json!({ "a": { "\0": 1 } })] {
            assert_eq!(
                check_json("result", &bad),
                Err(InvalidInput::NulCharacter { field: "result" })
            );
        }
    }

    #[test]
    fn json_that_is_taken_is_read_as_it_was_written() {
        let reserved = json!({ "a": [{ "!": 1, "$serde_json::private::RawValue": "x" }] });
        assert_eq!(
            check_json("result", &reserved),
            Err(InvalidInput::ReservedName { field: "result" })
        );
        let written = reserved.to_string();
        assert!(serde_json::from_str::<Value>(&written.replace("\"!\":1,", "")).is_err());
        let text = json!({ "serde": "$serde_json::private::RawValue", "$a": {} });
        assert_eq!(check_json("result", &text), Ok(()));
        assert_eq!(
            serde_json::from_str::<Value>(&text.to_string()).ok(),
            Some(text)
        );
    }

    #[test]
    fn what_is_within_the_limits_fits_into_an_event() {
        let event_bytes = 60 * 1024;
        // The text that JSON makes longest: six bytes for each of its characters.
        let text = "\u{1}".repeat(MAX_TEXT_CHARS);
        assert_eq!(check_text("error", &text), Ok(()));
        assert!(json!({ "error": text }).to_string().len() < event_bytes);
        assert!(MAX_JSON_BYTES < event_bytes / 2);
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let error = check_text("message", &"x".repeat(2_345)).expect_err("it is too long");
        assert_eq!(
            error.to_string(),
            "`message` has 2345 characters: shorten it to at most 2000"
        );
        assert_eq!((error.code(), error.field()), ("TEXT_TOO_LONG", "message"));
    }
}
