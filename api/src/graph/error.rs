//! How requests fail: the closed set of codes, and the only map to them.
//!
//! A refused command is no failure: it is answered by `userErrors`. What is here are faults of a
//! request (a bad argument, a missing right) and of the platform. Causes are logged once, where
//! they are mapped, and are never sent.

use async_graphql::{Error, ErrorExtensions};
use commands::error::{CommandError, Rejected};
use projections::reader::ReadError;

/// The codes of top-level errors, in `extensions.code`. Clients match on them: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// There is no token, or it ended.
    Unauthenticated,
    /// The token does not have the right.
    Forbidden,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The request is not GraphQL over HTTP or over a WebSocket; the status says how.
    BadRequest,
    /// An argument or a variable is not what it must be.
    BadUserInput,
    /// A cursor was not made by this field.
    InvalidCursor,
    /// The write that a token names cannot be read yet: ask again in a moment. `extensions.lagEvents`
    /// says how many recorded events the slowest of the read models has not applied.
    NotYetConsistent,
    /// The query took longer than it may: ask for less.
    TooSlow,
    /// Others changed the same thing again and again: try again.
    Conflict,
    /// The idempotency key was used for another command.
    IdempotencyKeyReused,
    /// The request asks for more than one may: a bigger body, more subscriptions.
    LimitExceeded,
    /// Whoever asks has spent its points for now: try again after the time in `Retry-After`.
    RateLimited,
    /// No document with this hash is known: send the document with its hash once more.
    PersistedQueryNotFound,
    /// Only documents that are known beforehand run here, and this is none of them.
    DocumentNotTrusted,
    /// A part of the platform does not answer: try again later. What was sent may or may not have
    /// been done; with an idempotency key, it is safe to send it again.
    Unavailable,
    /// Our fault.
    Internal,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 17] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadRequest,
        Self::BadUserInput,
        Self::InvalidCursor,
        Self::NotYetConsistent,
        Self::TooSlow,
        Self::Conflict,
        Self::IdempotencyKeyReused,
        Self::LimitExceeded,
        Self::RateLimited,
        Self::PersistedQueryNotFound,
        Self::DocumentNotTrusted,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadRequest => "BAD_REQUEST",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::NotYetConsistent => "NOT_YET_CONSISTENT",
            Self::TooSlow => "TOO_SLOW",
            Self::Conflict => "CONFLICT",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::RateLimited => "RATE_LIMITED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A top-level error with a sentence for whoever asked.
#[must_use]
pub fn failure(code: Code, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code.as_str()))
}

/// A part of the platform did not answer; logs why.
pub(crate) fn unavailable(cause: &(dyn std::error::Error + 'static)) -> Error {
    tracing::error!(
        error = cause,
        "a request failed because a part is unavailable"
    );
    failure(
        Code::Unavailable,
        "the platform cannot answer right now: try again in a moment",
    )
}

/// Why a command has no receipt, unless a rule forbids it: then there is the refusal.
pub(crate) fn refused(error: CommandError) -> Result<Rejected, Error> {
    let code = match &error {
        CommandError::Unavailable(_) => return Err(unavailable(&error)),
        CommandError::KeyReused => Code::IdempotencyKeyReused,
        CommandError::Conflict => Code::Conflict,
        CommandError::Rejected(rejected) => return Ok(rejected.clone()),
    };
    Err(failure(code, error.to_string()))
}

/// Why a query has no answer.
pub(crate) fn read_failed(error: ReadError) -> Error {
    let code = match &error {
        ReadError::InvalidCursor => Code::InvalidCursor,
        ReadError::InvalidFilter => Code::BadUserInput,
        ReadError::TooSlow => Code::TooSlow,
        ReadError::BeingRebuilt => Code::Unavailable,
        ReadError::Unavailable(_) | ReadError::Store(_) => return unavailable(&error),
        ReadError::UnexpectedEvent(_) => return internal(&error),
    };
    failure(code, error.to_string())
}

/// Something went wrong that never should; logs what.
pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Error {
    tracing::error!(error = cause, "a request failed by our fault");
    failure(
        Code::Internal,
        "the platform made a mistake: report it with the time of the request",
    )
}
