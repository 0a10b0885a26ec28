//! Results that clients keep and ask about: whether they are still what they were.
//!
//! Only results of documents that are asked for by their hash with GET, because only their URLs are
//! short and come again. A result is made anew each time, for whoever asks now: what is saved is
//! sending it. Nobody but who asked may keep it, and nobody may use it without asking again.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use sha2::{Digest, Sha256};

use crate::transport::accept::MediaType;

/// The strong entity tag of a result. The media type is a part of it, and so is what the client takes
/// for its coding, because compressed it is not the same bytes.
pub(super) fn of(body: &[u8], media_type: MediaType, headers: &HeaderMap) -> HeaderValue {
    let mut digest = Sha256::new();
    digest.update(media_type.content_type());
    for coding in headers.get_all(header::ACCEPT_ENCODING) {
        digest.update([0]);
        digest.update(coding);
    }
    // No header holds this byte, so nothing in one can pass for the beginning of a body.
    digest.update([b'\n']);
    digest.update(body);
    let digits: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::try_from(format!("\"{digits}\"")).expect("hexadecimal digits are a header's value")
}

/// Whether the client has what this tag is of, as it says in `If-None-Match`.
pub(super) fn is_known(tag: &HeaderValue, headers: &HeaderMap) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    known.any(|known| {
        let known = known.trim_ascii();
        // A cache on the way may have called the tag a weak one.
        known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes()
    })
}

/// The response with its tag and with what may be done with it.
pub(super) fn tagged(tag: HeaderValue, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    response
}
