//! How the event store fails.

use std::error::Error;

use domain::event::DecodeError;

/// Why the event store could not do what it was asked to.
///
/// Business outcomes of an append (conflict, name taken, repeated command) are not errors; see
/// [`crate::write::append::Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres did not answer, or answered with a fault. What was being written may or may not have
    /// been committed.
    #[error("the event store is unavailable while {doing}")]
    Unavailable {
        /// What we were doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// A stored event does not decode.
    #[error("event {version} of stream {stream} cannot be decoded")]
    Decode {
        /// The stream.
        stream: crate::envelope::StreamId,
        /// Which event of it.
        version: crate::envelope::Version,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
    /// The tables of a consumer were made by code of another version, and only that may write them.
    #[error(
        "`{consumer}` was made by version {found} of its code and this program has version {ours}: use the \
         program that made it"
    )]
    OtherVersion {
        /// Whose tables.
        consumer: &'static str,
        /// The version that made them.
        found: i32,
        /// The version here.
        ours: i32,
    },
    /// Another process took over: this one must stop acting and take over anew.
    #[error("another process took over {what}")]
    Fenced {
        /// The lease or checkpoint that moved without us.
        what: String,
    },
}

/// What is wrong with stored bytes.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The payload does not have the shape of its type.
    #[error(transparent)]
    Event(#[from] DecodeError),
    /// The payload was written by a newer program.
    #[error("{event_type} has schema version {found}, this program knows up to {known}")]
    TooNew {
        /// Stored name.
        event_type: String,
        /// Schema version found.
        found: i32,
        /// Newest schema version known here.
        known: i32,
    },
    /// The metadata is not what we write.
    #[error("the metadata is malformed")]
    Metadata(#[source] serde_json::Error),
    /// The stream is of a type that this program has no name for, so that it has no topic.
    #[error("the stream type with the code {code} has no name in this program")]
    UnnamedStreamType {
        /// The type's code.
        code: i16,
    },
    /// A message from outside lacks something or has it in a wrong form.
    #[error("{0}")]
    Message(String),
}

impl StoreError {
    /// Wraps a database error, to be used with `map_err`.
    pub fn unavailable(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Unavailable { doing, source }
    }
}

/// An error and everything behind it, in one line.
pub(crate) fn chain(error: &(dyn Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
