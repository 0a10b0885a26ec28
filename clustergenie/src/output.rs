//! What came of an operator's command: results go to standard output, and nothing else does.

use std::io::{self, Write};

use anyhow::Context;
use serde_json::Value;

/// What came of something, for people and for programs.
pub(crate) struct Done {
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Done {
    /// Prints it for programs, or for people.
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
