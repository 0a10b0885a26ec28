//! A macro for types that hold a text which was checked once against a rule.
//!
//! Most texts are short. A [`SmolStr`](smol_str::SmolStr) holds them without an allocation, and shares the others
//! when it is cloned.

/// Declares a text type and the error of its constructor.
///
/// `is` names a value of the type, `rule` completes "use ...", and `check` returns true if a text obeys the
/// rule. The error keeps only the beginning of the given text, so that it is safe to send back.
macro_rules! checked_string {
    (
        $(#[$meta:meta])*
        pub struct $Name:ident, error $Error:ident;
        is $is:literal;
        rule $rule:literal;
        check $check:path;
    ) => {
        $(#[$meta])*
        #[doc = ""]
        #[doc = concat!("The rule: ", $rule, ".")]
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "smol_str::SmolStr")]
        pub struct $Name(smol_str::SmolStr);

        impl $Name {
            /// Checks the text against the rule.
            ///
            /// # Errors
            /// When the text breaks the rule. The message states the rule.
            pub fn parse(text: impl Into<smol_str::SmolStr>) -> Result<Self, $Error> {
                let text = text.into();
                if $check(&text) {
                    Ok(Self(text))
                } else {
                    Err($Error { given: crate::checked::beginning(&text) })
                }
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $Name {
            type Err = $Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $Name {
            type Error = $Error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl TryFrom<smol_str::SmolStr> for $Name {
            type Error = $Error;

            fn try_from(text: smol_str::SmolStr) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl From<$Name> for String {
            fn from(value: $Name) -> Self {
                value.0.into()
            }
        }

        #[doc = concat!("A text that is not ", $is, ".")]
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error("{given:?} is not {}: use {}", $is, $rule)]
        pub struct $Error {
            given: String,
        }
    };
}
pub(crate) use checked_string;

/// Returns true if the text is a slug: 1 to `longest` characters, each a lower-case letter, a digit or one
/// of `joints`. Neither the first nor the last character of a slug is a joint.
pub(crate) fn is_slug(text: &str, longest: usize, joints: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= longest
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes
            .iter()
            .all(|byte| plain(byte) || joints.contains(byte))
}

/// Returns enough of a refused text to recognise it.
pub(crate) fn beginning(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every text of up to `longest` characters out of `alphabet`.
    pub(crate) fn texts_over(alphabet: &[char], longest: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut begin = 0;
        for _ in 0..longest {
            let end = texts.len();
            for index in begin..end {
                for letter in alphabet {
                    texts.push(format!("{}{letter}", texts[index]));
                }
            }
            begin = end;
        }
        texts
    }

    #[test]
    fn a_slug_neither_begins_nor_ends_with_a_joint() {
        for text in texts_over(&['a', '7', '-', 'A', ' '], 4) {
            let expected = !text.is_empty()
                && !text.contains(['A', ' '])
                && !text.starts_with('-')
                && !text.ends_with('-');
            assert_eq!(is_slug(&text, 4, b"-"), expected, "{text:?}");
        }
        assert!(!is_slug("abcde", 4, b"-"));
    }

    #[test]
    fn only_the_beginning_of_a_long_text_is_repeated() {
        assert_eq!(beginning("short"), "short");
        assert_eq!(beginning(&"ü".repeat(60)), "ü".repeat(60));
        assert_eq!(beginning(&"ü".repeat(61)), format!("{}…", "ü".repeat(60)));
    }
}
