//! The errors of the event store.

use std::error::Error;

use domain::event::DecodeError;

use crate::pool::renewal;

/// The reason why an operation of the event store failed.
///
/// Business outcomes of an append (conflict, name taken, repeated command) are not errors; see
/// [`crate::write::append::Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres did not answer, or answered with an error. The rows that were being written may or may not
    /// have been committed.
    #[error("the event store is unavailable while {doing}")]
    Unavailable {
        /// The operation that failed.
        doing: &'static str,
        /// The error of Postgres.
        #[source]
        source: sqlx::Error,
    },
    /// A stored event does not decode.
    #[error("event {version} of stream {stream} cannot be decoded")]
    Decode {
        /// The stream.
        stream: crate::envelope::StreamId,
        /// The version of the event in the stream.
        version: crate::envelope::Version,
        /// The reason why the event does not decode.
        #[source]
        source: CodecError,
    },
    /// The tables of a consumer were made by code of another version, and only that version may write them.
    #[error(
        "`{consumer}` was made by version {found} of its code and this program has version {ours}: use the \
         program that made it"
    )]
    OtherVersion {
        /// The consumer that owns the tables.
        consumer: &'static str,
        /// The version that made the tables.
        found: i32,
        /// The version of this program's code.
        ours: i32,
    },
    /// The sequence that numbers events would give numbers again, as after a restore of the tables alone.
    #[error(
        "the sequence of `es.events` is behind its table, as after a restore without sequences: stop all processes \
         and run `select setval('es.events_seq_seq', (select max(seq) from es.events))`"
    )]
    SequenceBehind,
    /// The log is in another incarnation than the caller believes, or in none of this server: what the caller
    /// remembers may be no more. Ask for the incarnation, and begin again ([`crate::incarnation`]).
    #[error(
        "the log is in another incarnation than this process knew: it was restored, or another server answers"
    )]
    OtherIncarnation,
    /// The server cannot be written to: it is a standby, or its transactions are read-only by a setting.
    #[error(
        "the database is read-only. If its server is a standby, connect to the primary (by its host, or by one that \
         always leads to it) or promote the standby. Else turn `default_transaction_read_only` off"
    )]
    Standby,
    /// Another process took over: this process must stop its work and take over again first.
    #[error("another process took over {what}")]
    Fenced {
        /// The lease or checkpoint that another process moved.
        what: String,
    },
}

/// The reason why stored bytes do not decode.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The payload does not have the shape of its type.
    #[error(transparent)]
    Event(#[from] DecodeError),
    /// The payload was written by a newer program.
    #[error("{event_type} has schema version {found}, this program knows up to {known}")]
    TooNew {
        /// The stored name.
        event_type: String,
        /// The schema version of the payload.
        found: i32,
        /// The newest schema version that this program knows.
        known: i32,
    },
    /// The metadata is not what this program writes.
    #[error("the metadata is malformed")]
    Metadata(#[source] serde_json::Error),
    /// The stream is of a type that this program has no name for, so that it has no topic.
    #[error("the stream type with the code {code} has no name in this program")]
    UnnamedStreamType {
        /// The code of the type.
        code: i16,
    },
    /// A message from outside lacks a part or has it in a wrong form.
    #[error("{0}")]
    Message(String),
}

impl StoreError {
    /// Wraps a database error, to be used with `map_err`.
    pub fn unavailable(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| {
            renewal::heed(&source);
            Self::Unavailable { doing, source }
        }
    }

    /// Wraps the error of a statement that demands an incarnation, to be used with `map_err`.
    pub fn asking(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| {
            renewal::heed(&source);
            let code = source.as_database_error().and_then(|error| error.code());
            match code.as_deref() {
                Some("CG001") => Self::OtherIncarnation,
                // The second one is that of any statement that writes.
                Some("CG002" | "25006") => Self::Standby,
                _ => Self::Unavailable { doing, source },
            }
        }
    }
}

/// Returns an error and all its sources, in one line.
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
