//! How requests fail: the closed set of codes, and the only map to them.
//!
//! A refused command is no failure: it is answered by `userErrors`. What is here are faults of a
//! request (a bad argument, a missing right) and of the platform. Causes are logged once, where
//! they are mapped, and are never sent.

use async_graphql::{Error, ErrorExtensions};

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
    /// An argument or a variable is not what it must be.
    BadUserInput,
    /// A cursor was not made by this field.
    InvalidCursor,
    /// Others changed the same thing again and again: try again.
    Conflict,
    /// The idempotency key was used for another command.
    IdempotencyKeyReused,
    /// A part of the platform does not answer: try again later. What was sent may or may not have
    /// been done; with an idempotency key, it is safe to send it again.
    Unavailable,
    /// Our fault.
    Internal,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 10] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::InvalidCursor,
        Self::Conflict,
        Self::IdempotencyKeyReused,
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
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::Conflict => "CONFLICT",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
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
    tracing::error!(error = cause, "a request failed because a part is unavailable");
    failure(
        Code::Unavailable,
        "the platform cannot answer right now: try again in a moment",
    )
}

/// Something went wrong that never should; logs what.
pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Error {
    tracing::error!(error = cause, "a request failed by our fault");
    failure(
        Code::Internal,
        "the platform made a mistake: report it with the time of the request",
    )
}
