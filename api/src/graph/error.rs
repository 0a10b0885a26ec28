//! The closed set of error codes, and the only mapping of failures to codes.
//!
//! A rejected command is no failure: `userErrors` answers it. The failures are faults of a request (a bad
//! argument, a missing right) and of the platform. Each cause is logged once, where it is mapped, and is
//! never sent.

use commands::error::{CommandError, Rejected};
use projections::reader::ReadError;
use serde_json::Value;

/// The codes of top-level errors, in `extensions.code`. Clients match on codes, so a code never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The token is missing or has expired.
    Unauthenticated,
    /// The token does not have the right.
    Forbidden,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The request is not GraphQL over HTTP or over a WebSocket; the status gives the reason.
    BadRequest,
    /// An argument or a variable has an invalid value.
    BadUserInput,
    /// The cursor does not come from this field, or is of a position that the log lost.
    InvalidCursor,
    /// The read models do not show the write of the token yet; the client may retry after a moment.
    /// `extensions.lagEvents` is the number of recorded events that the slowest of the read models has not
    /// applied.
    NotYetConsistent,
    /// A read model could not apply the write of the token; an operator must repair the read model.
    StreamParked,
    /// The query exceeded its time limit; the client must ask for less.
    TooSlow,
    /// Other commands repeatedly changed the same resource; the client may retry.
    Conflict,
    /// The idempotency key was used for another command.
    IdempotencyKeyReused,
    /// The request exceeds a limit, such as the size of a body or the number of subscriptions.
    LimitExceeded,
    /// The caller has spent its points; the client may retry after the time in `Retry-After`.
    RateLimited,
    /// No document with this hash is known; the client must send the document with its hash.
    PersistedQueryNotFound,
    /// The document of the request is not trusted, and only trusted documents run here.
    DocumentNotTrusted,
    /// A part of the platform does not answer; the client may retry later. The request may or may not have
    /// had an effect; with an idempotency key, a retry is safe.
    Unavailable,
    /// The platform is at fault.
    Internal,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 18] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadRequest,
        Self::BadUserInput,
        Self::InvalidCursor,
        Self::NotYetConsistent,
        Self::StreamParked,
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

    /// Returns the text of the code in a response.
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
            Self::StreamParked => "STREAM_PARKED",
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

/// A top-level error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The code.
    pub code: Code,
    /// The description for the client, and what to do.
    pub message: String,
    /// Further members of `extensions`.
    pub details: Vec<(&'static str, Value)>,
}

/// The result of a field.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Adds a member to `extensions`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }
}

/// Returns a top-level error with a message for the client.
#[must_use]
pub fn failure(code: Code, message: impl Into<String>) -> Error {
    Error {
        code,
        message: message.into(),
        details: Vec::new(),
    }
}

/// Returns the error for a part of the platform that did not answer, and logs the cause.
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

/// Returns the rejection of a command by a rule, or the top-level error for any other failure of the
/// command.
pub(crate) fn refused(error: CommandError) -> Result<Rejected> {
    let code = match &error {
        CommandError::Unavailable(_) => return Err(unavailable(&error)),
        CommandError::KeyReused => Code::IdempotencyKeyReused,
        CommandError::Conflict | CommandError::OtherIncarnation => Code::Conflict,
        CommandError::Rejected(rejected) => return Ok(rejected.clone()),
    };
    Err(failure(code, error.to_string()))
}

/// Returns the top-level error for a query that failed.
pub(crate) fn read_failed(error: ReadError) -> Error {
    let code = match &error {
        ReadError::InvalidCursor | ReadError::LostCursor(_) => Code::InvalidCursor,
        ReadError::OtherIncarnation => Code::Unavailable,
        ReadError::InvalidFilter => Code::BadUserInput,
        ReadError::TooSlow => Code::TooSlow,
        ReadError::BeingRebuilt => Code::Unavailable,
        ReadError::Unavailable(_) | ReadError::Store(_) => return unavailable(&error),
        ReadError::UnexpectedEvent(_) => return internal(&error),
    };
    failure(code, error.to_string())
}

/// Returns the error for a fault that must never occur, and logs the cause.
pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Error {
    tracing::error!(error = cause, "a request failed by our fault");
    failure(
        Code::Internal,
        "the platform made a mistake: report it with the time of the request",
    )
}
