//! The response to a request that does not reach the executor.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::graph::error::Code;
use crate::identity::shares::ShareExceeded;
use crate::transport::accept::MediaType;
use crate::transport::bearer::TOKEN_ADVICE;
use crate::transport::send_budget::SendBudgetExceeded;

/// A rejected request: a status and a GraphQL error, never `data`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: Code,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    /// Creates the rejection of an invalid request. The status gives the kind of the error, and the message
    /// the correction.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code: Code::BadRequest,
            message: message.into(),
            header: None,
        }
    }

    /// Creates the rejection of a request that cannot be read.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Creates the rejection of a request without a valid token.
    pub(super) fn unauthenticated(why: &str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, format!("{why}; {TOKEN_ADVICE}"))
            .coded(Code::Unauthenticated)
            .with(header::WWW_AUTHENTICATE, challenge)
    }

    /// Creates the rejection of a request whose sender leaves too much unread. `then` gives the result of
    /// the request.
    pub(super) fn too_much_unread(full: SendBudgetExceeded, then: &str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, format!("{full}; {then}"))
            .coded(Code::LimitExceeded)
            .with(header::RETRY_AFTER, "10")
    }

    /// Creates the rejection of a request whose sender has too many in progress.
    pub(super) fn too_many(exceeded: ShareExceeded) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, exceeded.to_string())
            .coded(Code::LimitExceeded)
            .with(header::RETRY_AFTER, "1")
    }

    /// Returns the same rejection with another code.
    pub(super) fn coded(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// Returns the same rejection with a header.
    pub(super) fn with(self, name: HeaderName, value: &'static str) -> Self {
        Self {
            header: Some((name, value)),
            ..self
        }
    }

    /// Returns the response for the client.
    pub(super) fn into_response(self, media_type: MediaType) -> Response {
        let body = json!({
            "errors": [{
                "message": self.message,
                "extensions": {"code": self.code.as_str()},
            }],
        });
        let content_type = [(header::CONTENT_TYPE, media_type.content_type())];
        let mut response = (self.status, content_type, body.to_string()).into_response();
        if let Some((name, value)) = self.header {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
