//! The body of a POST: declared JSON, within a limit of size and time.

use std::time::Duration;

use apollo_compiler::response::JsonValue;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;

use super::refusal::Refusal;
use crate::admission::limits::MAX_BODY_BYTES;
use crate::graph::error::Code;

/// The timeout of a client for sending a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The byte order mark in UTF-8, which some clients send first.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Receives a body that is declared as JSON.
pub(super) async fn receive(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    check_content_type(headers)?;
    tokio::time::timeout(BODY_TIMEOUT, bytes(headers, body))
        .await
        .map_err(|_| {
            Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                format!(
                    "the body did not arrive within {} s: send it at once",
                    BODY_TIMEOUT.as_secs()
                ),
            )
        })?
}

/// Parses the bytes of a body.
pub(super) fn json(bytes: &[u8]) -> Result<JsonValue, Refusal> {
    let json = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    serde_json::from_slice(json)
        .map_err(|error| Refusal::bad_request(format!("the body is not JSON: {error}")))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let refusal = |message| Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity")
    {
        return refusal("send the body without a Content-Encoding");
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    // A charset means nothing for JSON, which is UTF-8.
    let kind = content_type.split(';').next().unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return refusal("send the request as JSON, with the header Content-Type: application/json");
    }
    Ok(())
}

async fn bytes(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default());
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|_| Refusal::bad_request("the body broke off: send the request again"))?;
        if bytes.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body has more than {MAX_BODY_BYTES} bytes: send less"),
    )
    .coded(Code::LimitExceeded)
    // The rest of the body is not read, so nothing after it on this connection can be.
    .with(header::CONNECTION, "close")
}
