//! Differences between the data that the platform must hold and the data that it holds.

use std::fmt;
use std::sync::{Arc, Mutex};

use serde::Serialize;

/// A broken guarantee of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// The comparison that found the difference.
    pub(crate) check: &'static str,
    /// The exact finding.
    pub(crate) what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.check, self.what)
    }
}

/// All differences so far; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Differences(Arc<Mutex<Vec<Difference>>>);

impl Differences {
    /// Records a difference.
    pub(crate) fn note(&self, check: &'static str, what: impl Into<String>) {
        let what = what.into();
        self.locked().push(Difference { check, what });
    }

    /// All differences, in the order in which they were found.
    pub(crate) fn all(&self) -> Vec<Difference> {
        self.locked().clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Difference>> {
        self.0.lock().expect("no holder panics")
    }
}
