//! The middleware of every route: a request id, the trace context in the response, a span, metrics, and
//! safe headers.

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, field};
use uuid::Uuid;

use crate::graph::request::new_id;
use crate::transport::server::{Connections, Peer};
use crate::transport::traceparent::{TRACEPARENT, traceparent};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum number of bytes of a request id that a client may choose.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// The headers of every response that does not set them itself. No content is sniffed, framed, or revealed
/// to other sites as a referrer. No response is a page that may load anything, except our one page.
const SAFE_HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Wraps the handling of one request.
pub(crate) async fn attend(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let traceparent = traceparent(request.headers());
    let client = client(&request);
    // The URL's query may hold a document with data in its arguments; it is not logged.
    let span = tracing::info_span!(
        "request",
        http.method = %request.method(),
        http.path = request.uri().path(),
        request.id = id,
        client.address = client.map(tracing::field::display),
        org.id = field::Empty,
        correlation.id = field::Empty,
        http.status = field::Empty,
        duration_ms = field::Empty,
    );
    let mut response = next.run(request).instrument(span.clone()).await;

    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    span.record("http.status", status);
    span.record("duration_ms", elapsed.as_secs_f64() * 1_000.0);
    span.in_scope(|| tracing::debug!("answered a request"));
    metrics::counter!("clustergenie_http_requests_total", "status" => status.to_string())
        .increment(1);
    metrics::histogram!("clustergenie_http_request_seconds").record(elapsed.as_secs_f64());

    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    // The context that the events of the request carry, so that the client can find them.
    if let Some(Ok(traceparent)) = traceparent.map(HeaderValue::try_from) {
        headers.insert(TRACEPARENT, traceparent);
    }
    for (name, value) in SAFE_HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Returns the address of the client, if a server of ours accepted its connection.
fn client(request: &Request) -> Option<IpAddr> {
    let Peer(peer) = request.extensions().get()?;
    let connections: &Connections = request.extensions().get()?;
    let proxies = connections.places().trusted_proxies();
    Some(proxies.client(*peer, request.headers()))
}

/// Returns the id that the client gave the request, if it is short and printable, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()))
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))
        .map_or_else(|| new_id::<Uuid>().to_string(), str::to_owned)
}
