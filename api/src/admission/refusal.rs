//! Errors of requests that are not admitted, and the headers about points.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::admission::limits::{Excess, Fault, Unfit};
use crate::admission::rate_limit::PointsExhausted;
use crate::graph::answer::{RequestError, Stage};
use crate::graph::error::{Code, Error, failure};
use crate::graph::request::Charge;
use crate::identity::shares::ShareExceeded;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The reason for the rejection of a request.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The document or the operation asks for too much, or is wrong.
    Unfit(Unfit),
    /// The request chooses no operation, or its variables are wrong.
    Request(String),
    /// The transport does not carry the type of the operation.
    WrongTransport(Stage),
    /// The principal has too few points.
    PointsExhausted(PointsExhausted),
    /// The principal or its organization has too many of something at once.
    TooMany(ShareExceeded),
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
    /// Returns the errors for the client.
    pub(crate) fn into_errors(self) -> Vec<RequestError> {
        let error = match self {
            Self::Unfit(Unfit::Invalid(faults)) => {
                let faults = faults.into_iter();
                return faults
                    .map(|fault| of_fault(Code::GraphqlValidationFailed, fault))
                    .collect();
            }
            Self::Unfit(Unfit::Unreadable(fault)) => {
                return vec![of_fault(Code::GraphqlParseFailed, fault)];
            }
            Self::Unfit(Unfit::Excess(excess)) => with_numbers(excess),
            Self::Request(message) => failure(Code::BadUserInput, message),
            Self::WrongTransport(stage) => failure(
                Code::BadRequest,
                match stage {
                    Stage::NeedsPost => "GET runs no mutations: send this one with POST",
                    _ => {
                        "a subscription needs a stream; connect to this path by a WebSocket with the \
                         subprotocol graphql-transport-ws, or send `Accept: text/event-stream`"
                    }
                },
            ),
            Self::PointsExhausted(exhausted) => failure(
                Code::RateLimited,
                format!(
                    "you have spent your points for now: try again in {} s, or ask for less",
                    seconds(exhausted)
                ),
            ),
            Self::TooMany(exceeded) => failure(Code::LimitExceeded, exceeded.to_string()),
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
        vec![RequestError { error, place: None }]
    }

    /// Returns the stage at which the request was refused.
    pub(crate) const fn stage(&self) -> Stage {
        match self {
            Self::PointsExhausted(_) | Self::TooMany(_) => Stage::RateLimited,
            Self::WrongTransport(stage) => *stage,
            _ => Stage::Refused,
        }
    }
}

fn of_fault(code: Code, fault: Fault) -> RequestError {
    RequestError {
        error: failure(code, fault.message),
        place: fault.place,
    }
}

/// Adds the headers with the state of the points, and with the time of the retry if there are too few.
pub(crate) fn add_headers(
    headers: &mut HeaderMap,
    charge: Charge,
    exhausted: Option<PointsExhausted>,
) {
    headers.insert(LIMIT, charge.limit.into());
    headers.insert(REMAINING, charge.remaining.into());
    headers.insert(RESET, HeaderValue::from(charge.full_at.timestamp()));
    if let Some(exhausted) = exhausted {
        headers.insert(header::RETRY_AFTER, seconds(exhausted).into());
    }
}

fn with_numbers(excess: Excess) -> Error {
    failure(Code::LimitExceeded, excess.to_string())
        .with("limit", excess.limit.as_str())
        .with("found", excess.found)
        .with("allowed", excess.allowed)
}

/// Returns the whole seconds until there are enough points, at least 1.
fn seconds(exhausted: PointsExhausted) -> u64 {
    let whole = exhausted.enough_in.as_secs();
    (whole + u64::from(exhausted.enough_in.subsec_nanos() > 0)).max(1)
}
