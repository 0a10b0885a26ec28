//! Errors of requests that are not admitted, and the headers about points.

use async_graphql::{Error, ErrorExtensions, ServerError};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::admission::limits::{Excess, Unfit};
use crate::admission::rate_limit::{Charged, PointsExhausted};
use crate::graph::error::{Code, failure};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The reason for the rejection of a request.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The document or the operation asks for too much, or is wrong.
    Unfit(Unfit),
    /// The principal has too few points.
    PointsExhausted(PointsExhausted),
    /// The extension `persistedQuery` is invalid; the text completes the error message.
    Persisted(&'static str),
    /// The document has another hash than the request says.
    WrongHash,
    /// No document has this hash.
    NotFound,
    /// The document is not trusted, and only trusted documents run.
    NotTrusted,
}

impl<Cause: Into<Unfit>> From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self::Unfit(cause.into())
    }
}

impl Refusal {
    /// Returns the error for the client.
    pub(super) fn into_error(self) -> ServerError {
        let error = match self {
            Self::Unfit(unfit) => {
                let code = match unfit {
                    Unfit::Excess(_) => Code::LimitExceeded,
                    Unfit::Unreadable(_) => Code::GraphqlParseFailed,
                    Unfit::Invalid(_) => Code::GraphqlValidationFailed,
                };
                let error = failure(code, unfit.to_string());
                match unfit {
                    Unfit::Excess(excess) => with_numbers(error, excess),
                    Unfit::Unreadable(_) | Unfit::Invalid(_) => error,
                }
            }
            Self::PointsExhausted(exhausted) => failure(
                Code::RateLimited,
                format!(
                    "you have spent your points for now: try again in {} s, or ask for less",
                    seconds(exhausted)
                ),
            ),
            Self::Persisted(wrong) => failure(
                Code::BadRequest,
                format!("the extension `persistedQuery` {wrong}"),
            ),
            Self::WrongHash => failure(
                Code::BadRequest,
                "`persistedQuery.sha256Hash` is not the SHA-256 of `query`: send the document's own",
            ),
            // Clients look for this word.
            Self::NotFound => failure(Code::PersistedQueryNotFound, "PersistedQueryNotFound"),
            Self::NotTrusted => failure(
                Code::DocumentNotTrusted,
                "only trusted documents run here: have the document added to them",
            ),
        };
        without_place(error)
    }
}

/// Returns an error without a location in the document.
pub(super) fn without_place(error: Error) -> ServerError {
    ServerError {
        locations: Vec::new(),
        ..error.into_server_error(Default::default())
    }
}

/// Adds the headers with the state of the points, and with the time of the retry if there are too few.
pub(super) fn add_headers(
    headers: &mut HeaderMap,
    charged: &Charged,
    exhausted: Option<&PointsExhausted>,
) {
    headers.insert(LIMIT, charged.standing.limit.into());
    headers.insert(REMAINING, charged.standing.remaining.into());
    headers.insert(RESET, HeaderValue::from(charged.full_at.timestamp()));
    if let Some(exhausted) = exhausted {
        headers.insert(header::RETRY_AFTER, seconds(*exhausted).into());
    }
}

fn with_numbers(error: Error, excess: Excess) -> Error {
    error.extend_with(|_, extensions| {
        extensions.set("limit", excess.limit.as_str());
        extensions.set("found", excess.found);
        extensions.set("allowed", excess.allowed);
    })
}

/// Returns the whole seconds until there are enough points, at least 1.
fn seconds(exhausted: PointsExhausted) -> u64 {
    let whole = exhausted.enough_in.as_secs();
    (whole + u64::from(exhausted.enough_in.subsec_nanos() > 0)).max(1)
}
