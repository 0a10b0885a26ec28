//! What is said to people, on standard error.

use std::io::{Write, stderr};

/// Says a line.
pub(crate) fn say(text: &str) {
    // Nobody may be listening any more, which is no reason to stop.
    let _ = writeln!(stderr(), "fault: {text}");
}

/// Says a line that must be seen.
pub(crate) fn warn(text: &str) {
    let line = "!".repeat(20);
    let _ = writeln!(stderr(), "fault: {line}\nfault: {text}\nfault: {line}");
}
