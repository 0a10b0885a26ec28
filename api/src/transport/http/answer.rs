//! Converts an answer to HTTP: the status and the headers.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::etag;
use super::refusal::Refusal;
use crate::graph::answer::{Answer, Stage};
use crate::transport::accept::MediaType;
use crate::transport::send_budget::Account;

/// The permission of the client to keep the result.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keeping<'a> {
    /// Forbidden, because browsers do not keep the results of such a request.
    Forbidden,
    /// Allowed; with these headers the client asks whether its result is still the same.
    Allowed(&'a HeaderMap),
}

/// Returns the HTTP response with an answer, which counts as unread until it is sent.
///
/// # Errors
/// When the send budget has no room for the response.
pub(super) fn answer(
    answer: Answer,
    media_type: MediaType,
    keeping: Keeping<'_>,
    account: &Account,
) -> Result<Response, Refusal> {
    let status = match (answer.stage, media_type) {
        (Stage::NeedsPost, _) => StatusCode::METHOD_NOT_ALLOWED,
        (Stage::NeedsStream, _) => StatusCode::BAD_REQUEST,
        (Stage::RateLimited, _) => StatusCode::TOO_MANY_REQUESTS,
        (Stage::Refused, MediaType::GraphqlResponse) => StatusCode::BAD_REQUEST,
        (Stage::Refused, MediaType::Json) | (Stage::Executed, _) => StatusCode::OK,
    };
    // A failed request may succeed the next time.
    let may_be_kept = answer.stage == Stage::Executed && answer.errors.is_none();
    let (stage, body, headers) = (answer.stage, answer.body, answer.headers);
    let held = account.hold(body.len()).map_err(|full| {
        let then = "what this request asked for was done, if it was a mutation";
        Refusal::too_much_unread(full, then)
    })?;
    let content_type = [(header::CONTENT_TYPE, media_type.content_type())];
    let mut answer = match keeping {
        Keeping::Allowed(headers) if may_be_kept => {
            let tag = etag::of(&body, media_type, headers);
            if etag::is_known(&tag, headers) {
                etag::tagged(tag, StatusCode::NOT_MODIFIED.into_response())
            } else {
                let body = held.bytes(body);
                etag::tagged(tag, (status, content_type, body).into_response())
            }
        }
        Keeping::Allowed(_) | Keeping::Forbidden => {
            (status, content_type, held.bytes(body)).into_response()
        }
    };
    if stage == Stage::NeedsPost {
        answer
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    answer.headers_mut().extend(headers);
    Ok(answer)
}
