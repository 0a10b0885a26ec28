//! Messages for people, on standard error.

use std::io::{Write, stderr};

/// Prints a line.
pub(crate) fn info(text: &str) {
    // A closed standard error does not stop the run.
    let _ = writeln!(stderr(), "fault: {text}");
}

/// Prints a line with a frame that draws attention.
pub(crate) fn warn(text: &str) {
    let line = "!".repeat(20);
    let _ = writeln!(stderr(), "fault: {line}\nfault: {text}\nfault: {line}");
}
