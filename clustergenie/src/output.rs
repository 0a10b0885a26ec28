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
            self.text
        };
        io::stdout()
            .write_all(printed.as_bytes())
            .context("the result cannot be printed")
    }
}
