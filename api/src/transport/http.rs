//! GraphQL over HTTP, as the specification and its audits require it.
//!
//! POST runs queries and mutations. GET runs queries only, so that a link, an image or a prefetch changes
//! nothing. A POST must declare JSON, so that a form of another site is rejected. The `Accept` header
//! decides the media type and the meaning of a status, or selects a stream of events
//! ([`crate::transport::accept`], [`crate::transport::sse`]). No request is batched, and no body is read
//! beyond its limit. The module must never interpret documents: [`crate::pipeline`] does so.

mod answer;
mod body;
mod etag;
mod refusal;

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::{Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::FutureExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use self::answer::Keeping;
use self::refusal::Refusal;
use crate::admission::rate_limit::REFUSAL_DELAY;
use crate::graph::answer::Stage;
use crate::graph::error::Code;
use crate::graph::request::{RequestInfo, token_taken_for};
use crate::identity::principal::Principal;
use crate::identity::tokens::Auth;
use crate::pipeline::{Carries, Executor, Started};
use crate::transport::accept::{Delivery, MediaType, negotiate};
use crate::transport::bearer::bearer;
use crate::transport::consistency_header;
use crate::transport::endpoint::Endpoint;
use crate::transport::params::Params;
use crate::transport::sse::Events;
use crate::transport::traceparent::traceparent;

/// The maximum number of bytes of a request's path and query.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// Answers one HTTP request to the GraphQL endpoint. A stream of events ends at `stop`.
pub(crate) async fn answer<E: Executor>(
    endpoint: &Endpoint<E>,
    stop: CancellationToken,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let negotiated = negotiate(&parts.headers);
    let answered = match negotiated {
        Some(delivery) => execute(endpoint, stop, &parts, body, delivery).await,
        None => Err(Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            "accept application/graphql-response+json, application/json or text/event-stream; \
             nothing else is served",
        )),
    };
    // A client that asked for events reads a rejection as JSON too: its status already says that no events
    // follow.
    let media_type = match negotiated {
        Some(Delivery::Response(media_type)) => media_type,
        Some(Delivery::Events) | None => MediaType::Json,
    };
    let mut response = answered.unwrap_or_else(|refusal| refusal.into_response(media_type));
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        sleep(REFUSAL_DELAY).await;
    }
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    // Results belong to the caller; no cache on the way may keep them.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn execute<E: Executor>(
    endpoint: &Endpoint<E>,
    stop: CancellationToken,
    parts: &Parts,
    body: Body,
    delivery: Delivery,
) -> Result<Response, Refusal> {
    if url_bytes(parts) > MAX_URL_BYTES {
        return Err(Refusal::new(
            StatusCode::URI_TOO_LONG,
            format!("the URL has more than {MAX_URL_BYTES} bytes: send the request with POST"),
        )
        .coded(Code::LimitExceeded));
    }
    let carries = match (&parts.method, delivery) {
        (&Method::GET, Delivery::Response(_)) => Carries::Queries,
        (&Method::GET, Delivery::Events) => Carries::QueriesAndSubscriptions,
        (&Method::POST, Delivery::Response(_)) => Carries::QueriesAndMutations,
        (&Method::POST, Delivery::Events) => Carries::Everything,
        _ => {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "use POST, or GET for queries",
            )
            .with(header::ALLOW, "GET, POST"));
        }
    };
    let mut info = RequestInfo::now(
        principal(&endpoint.auth, &parts.headers)?,
        traceparent(&parts.headers),
    );
    info.consistent_with = consistency_header::token(&parts.headers)
        .map_err(|wrong| Refusal::bad_request(wrong).coded(Code::BadUserInput))?;
    let taken = endpoint.shares.requests.take(&info.principal);
    let in_progress = taken.map_err(Refusal::too_many)?;
    let account = endpoint.send_budget.of(&info.principal);
    account.check().map_err(|full| {
        Refusal::too_much_unread(full, "nothing was done; then send the request again")
    })?;
    let span = Span::current();
    span.record("org.id", info.principal.org.as_str());
    span.record(
        "correlation.id",
        tracing::field::display(info.correlation_id),
    );

    let received = if parts.method == Method::GET {
        None
    } else {
        Some(body::receive(&parts.headers, body).await?)
    };
    let bytes = received.as_ref().map_or(url_bytes(parts), Vec::len);
    if let Err(refused) = endpoint.executor.receive(&info, bytes) {
        let media_type = match delivery {
            Delivery::Response(media_type) => media_type,
            Delivery::Events => MediaType::Json,
        };
        return answer::answer(*refused, media_type, Keeping::Forbidden, &account);
    }
    let params = match received {
        None => from_url(parts)?,
        Some(body) => Params::from_json(body::json(&body)?).map_err(Refusal::bad_request)?,
    };
    let keeping = if parts.method == Method::GET && params.names_a_document() {
        Keeping::Allowed(&parts.headers)
    } else {
        Keeping::Forbidden
    };
    let taken_for = token_taken_for(&info.principal);
    let started = endpoint.executor.start(params.into_request(carries, info));
    match (started, delivery) {
        (Started::Refused(answer), Delivery::Events) if !is_event(answer.stage) => {
            answer::answer(answer, MediaType::Json, keeping, &account)
        }
        (started, Delivery::Events) => {
            let events = Events {
                account,
                in_progress,
                token_taken_for: taken_for,
                stop,
            };
            Ok(events.answer(started))
        }
        (Started::Refused(answer), Delivery::Response(media_type)) => {
            answer::answer(answer, media_type, keeping, &account)
        }
        (Started::One(answer), Delivery::Response(media_type)) => {
            // A resolver that panics must not end the connection, and the requests behind it.
            let answer = AssertUnwindSafe(answer).catch_unwind().await;
            let answer = answer.map_err(|_| {
                tracing::error!("a request failed because a resolver panicked");
                Refusal::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the platform made a mistake: report it with the header x-request-id",
                )
                .coded(Code::Internal)
            })?;
            answer::answer(answer, media_type, keeping, &account)
        }
        (Started::Many(_), Delivery::Response(_)) => {
            unreachable!("a subscription that the transport does not carry is refused")
        }
    }
}

/// Returns true if a refused request at this stage is sent as an event, since browsers hide the body of a
/// refused stream.
fn is_event(stage: Stage) -> bool {
    !matches!(stage, Stage::NeedsPost | Stage::RateLimited)
}

fn url_bytes(parts: &Parts) -> usize {
    let url = parts.uri.path_and_query();
    url.map_or(0, |url| url.as_str().len())
}

fn principal(auth: &Auth, headers: &HeaderMap) -> Result<Principal, Refusal> {
    match bearer(headers) {
        None => Err(Refusal::unauthenticated(
            "a token is needed in the header `Authorization: Bearer ...`",
            "Bearer",
        )),
        Some(token) => auth.authenticate(token).map_err(|error| {
            Refusal::unauthenticated(&error.to_string(), r#"Bearer error="invalid_token""#)
        }),
    }
}

fn from_url(parts: &Parts) -> Result<Params, Refusal> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map_err(|error| Refusal::bad_request(format!("the URL cannot be read: {error}")))?;
    // What is no UTF-8 was replaced.
    let replaced: usize = pairs
        .iter()
        .map(|(_, text)| text.matches('\u{fffd}').count())
        .sum();
    let sent = parts.uri.query().unwrap_or_default().to_ascii_lowercase();
    if replaced > sent.matches("%ef%bf%bd").count() {
        return Err(Refusal::bad_request("the URL is not UTF-8"));
    }
    Params::from_url(pairs).map_err(Refusal::bad_request)
}
