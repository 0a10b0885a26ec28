//! Documents that are known beforehand: the files `*.graphql` of a directory.
//!
//! They are read when the process starts, and a file that the schema would refuse stops the start. A
//! client runs one by its hash, the SHA-256 of the file's bytes, or by sending exactly its text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use async_graphql::parser::types::ExecutableDocument;

use super::{Document, Hash};
use crate::admission::limits::Limits;

/// What a trusted document's file is named after.
const EXTENSION: &str = "graphql";

/// Documents that are known beforehand, by hash. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Trusted {
    documents: Arc<HashMap<Hash, Arc<Document>>>,
}

impl Trusted {
    /// Reads all documents of a directory; not of those within it. `validate` tells what is wrong with a
    /// document by the rules of the schema.
    ///
    /// # Errors
    /// When the directory or a file in it cannot be read, or a document is not GraphQL, does not fit
    /// the schema, or breaks a limit.
    pub async fn load(
        directory: &Path,
        limits: &Limits,
        validate: impl AsyncFn(&ExecutableDocument) -> Result<(), String>,
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
            let document =
                Document::read(&text, limits).map_err(|unfit| refused(unfit.to_string()))?;
            validate(&document.parsed).await.map_err(refused)?;
            documents.insert(Hash::of(&text), Arc::new(document));
        }
        Ok(Self {
            documents: Arc::new(documents),
        })
    }

    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The document with this hash, if it is trusted.
    pub(crate) fn get(&self, hash: Hash) -> Option<Arc<Document>> {
        self.documents.get(&hash).cloned()
    }
}

/// Why a directory of trusted documents is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TrustedError {
    /// The directory or a file in it cannot be read.
    #[error("{} cannot be read: check that it exists and who may read it", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A document would not run.
    #[error("the trusted document {} is refused: {reason}", path.display())]
    Refused {
        /// Its file.
        path: PathBuf,
        /// Why, in a sentence.
        reason: String,
    },
}
