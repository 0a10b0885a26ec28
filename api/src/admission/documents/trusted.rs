//! Trusted documents: the files `*.graphql` of a directory.
//!
//! The files are read when the process starts, and a file that the schema rejects stops the start. A client
//! runs a trusted document by its hash, the SHA-256 of the file's bytes, or by sending exactly its text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use super::{Document, Hash};
use crate::admission::limits::Limits;
use crate::graph::execute::schema::ExecutableSchema;

/// The file name extension of trusted documents.
const EXTENSION: &str = "graphql";

/// The trusted documents, by hash. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Trusted {
    documents: Arc<HashMap<Hash, Arc<Document>>>,
}

impl Trusted {
    /// Reads all documents of a directory, without its subdirectories, and validates them against the schema.
    ///
    /// # Errors
    /// When the directory or a file in it cannot be read. When a document is not GraphQL, does not fit the
    /// schema, or breaks a limit.
    pub fn load(
        directory: &Path,
        limits: &Limits,
        schema: &ExecutableSchema,
    ) -> Result<Self, TrustedError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| TrustedError::Unreadable { path, source }
        };
        let mut documents = HashMap::new();
        for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
            let path = entry.map_err(unreadable(directory))?.path();
            if path.extension().is_none_or(|name| name != EXTENSION) {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            let refused = |reason: String| TrustedError::Refused {
                path: path.clone(),
                reason,
            };
            let document = Document::read(&text, limits, schema);
            let document = document.map_err(|unfit| refused(unfit.to_string()))?;
            documents.insert(Hash::of(&text), Arc::new(document));
        }
        Ok(Self {
            documents: Arc::new(documents),
        })
    }

    /// Returns the number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Returns true if there is no document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Returns the document with this hash, if it is trusted.
    pub(crate) fn get(&self, hash: Hash) -> Option<Arc<Document>> {
        self.documents.get(&hash).cloned()
    }
}

/// The reason for the rejection of a directory of trusted documents.
#[derive(Debug, thiserror::Error)]
pub enum TrustedError {
    /// The directory or a file in it cannot be read.
    #[error("{} cannot be read: check that it exists and who may read it", path.display())]
    Unreadable {
        /// The path of the directory or file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A document would not run.
    #[error("the trusted document {} is refused: {reason}", path.display())]
    Refused {
        /// The file of the document.
        path: PathBuf,
        /// The reason, in a sentence.
        reason: String,
    },
}
