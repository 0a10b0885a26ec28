//! What is answered when a request does not get as far as the executor.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::graph::error::Code;
use crate::transport::accept::MediaType;
use crate::transport::bearer::TOKEN_ADVICE;
use crate::transport::send_budget::SendBudgetExceeded;

/// A refused request: a status and a GraphQL error, never `data`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: Code,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    /// A request that is wrong in itself; the status says how, the message what to do.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code: Code::BadRequest,
            message: message.into(),
            header: None,
        }
    }

    /// A request that cannot be understood.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A request without a good token.
    pub(super) fn unauthenticated(why: &str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, format!("{why}; {TOKEN_ADVICE}"))
            .coded(Code::Unauthenticated)
            .with(header::WWW_AUTHENTICATE, challenge)
    }

    /// A request of somebody who does not read what it asked for. `then` says what came of the request.
    pub(super) fn too_much_unread(full: SendBudgetExceeded, then: &str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, format!("{full}; {then}"))
            .coded(Code::LimitExceeded)
            .with(header::RETRY_AFTER, "10")
    }

    /// The same with another code.
    pub(super) fn coded(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The same with a header.
    pub(super) fn with(self, name: HeaderName, value: &'static str) -> Self {
        Self {
            header: Some((name, value)),
            ..self
        }
    }

    /// The response that tells it.
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
