//! The result of an operator's command, on standard output. No other output goes there.

use std::io::{self, Write};

use anyhow::Context;
use serde_json::Value;

/// The result of a command, for people and for programs.
pub(crate) struct CommandOutput {
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl CommandOutput {
    /// Prints the JSON or the text.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn print(self, json: bool) -> anyhow::Result<()> {
        let printed = if json {
            format!("{:#}\n", self.json)
        } else {
            readable(&self.text)
        };
        io::stdout()
            .write_all(printed.as_bytes())
            .context("the result cannot be printed")
    }
}

/// Returns a text for a terminal: control characters are escaped, except the ends of lines. Texts of users, such as
/// reasons, could move the cursor or set the terminal's state.
pub(crate) fn readable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_is_escaped() {
        assert_eq!(readable("a  ü\nb\n"), "a  ü\nb\n");
        assert_eq!(
            readable("\u{1b}]0;x\u{7}\r\u{9b}2J"),
            "\\u{1b}]0;x\\u{7}\\r\\u{9b}2J"
        );
    }
}
