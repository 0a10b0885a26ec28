//! The findings of checks.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use uuid::Uuid;

use crate::envelope::{Position, Version};

/// The findings of one check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// The number of compared items: rows, events, ranges or messages, whatever the check is about.
    pub compared: u64,
    /// The number of compared items that are not as they must be.
    pub differences: u64,
    /// The first difference, in the order of the check.
    pub first: Option<Difference>,
    /// The facts worth knowing that are no difference, in sentences.
    pub notes: Vec<String>,
}

/// An item that is not as it must be, and its place. Parts of a place that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The position in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The stream's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Uuid>,
    /// The version within the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Any other place: a message of a topic, a row of a read model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The expected item.
    pub expected: String,
    /// The item that was found.
    pub found: String,
}

impl Findings {
    /// Adds differences, of which one is the first.
    pub fn differ(&mut self, differences: u64, first: Difference) {
        self.differences += differences;
        self.first.get_or_insert(first);
    }

    /// Adds a sentence.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// The progress of a check, for another task that reads it.
#[derive(Debug, Default)]
pub struct Progress {
    compared: AtomicU64,
    about: AtomicU64,
}

impl Progress {
    /// Restarts the progress, with an approximate number of items to compare.
    pub fn begin(&self, about: u64) {
        self.compared.store(0, Ordering::Relaxed);
        self.about.store(about, Ordering::Relaxed);
    }

    /// Records the number of compared items.
    pub fn reached(&self, compared: u64) {
        self.compared.store(compared, Ordering::Relaxed);
    }

    /// Returns the number of compared items, and the approximate number of all.
    #[must_use]
    pub fn look(&self) -> (u64, u64) {
        let (compared, about) = (&self.compared, &self.about);
        (
            compared.load(Ordering::Relaxed),
            about.load(Ordering::Relaxed),
        )
    }
}
