//! What checks find.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use uuid::Uuid;

use crate::envelope::{Position, Version};

/// What one check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// How many things were looked at: rows, events, ranges or messages, whatever the check is about.
    pub compared: u64,
    /// How many of them are not as they must be.
    pub differences: u64,
    /// The first of these, in the order in which the check looks.
    pub first: Option<Difference>,
    /// What is worth knowing and is no difference, in sentences.
    pub notes: Vec<String>,
}

/// Something that is not as it must be, and where. Places that do not apply are absent.
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
    /// What else says where: a message of a topic, a row of a read model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What must be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Findings {
    /// Takes in differences, of which one is the first.
    pub fn differ(&mut self, differences: u64, first: Difference) {
        self.differences += differences;
        self.first.get_or_insert(first);
    }

    /// Adds a sentence.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// How far a check is, for whoever watches it from another task.
#[derive(Debug, Default)]
pub struct Progress {
    compared: AtomicU64,
    about: AtomicU64,
}

impl Progress {
    /// Begins anew, with about that many things to look at.
    pub fn begin(&self, about: u64) {
        self.compared.store(0, Ordering::Relaxed);
        self.about.store(about, Ordering::Relaxed);
    }

    /// Says how many things have been looked at.
    pub fn reached(&self, compared: u64) {
        self.compared.store(compared, Ordering::Relaxed);
    }

    /// How many things have been looked at, and of about how many.
    #[must_use]
    pub fn look(&self) -> (u64, u64) {
        let (compared, about) = (&self.compared, &self.about);
        (
            compared.load(Ordering::Relaxed),
            about.load(Ordering::Relaxed),
        )
    }
}
