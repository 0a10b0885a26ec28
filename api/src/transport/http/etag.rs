//! Entity tags of results, by which clients ask whether a kept result is still the same.
//!
//! Only results of documents that are requested by their hash with GET have tags, because only their URLs
//! are short and recur. Each result is computed again for its own caller: the tag only saves sending it.
//! Only the caller may keep a result, and nobody may use it without asking again.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use sha2::{Digest, Sha256};

use crate::transport::accept::MediaType;

/// Returns the strong entity tag of a result. The tag covers the media type and the codings that the client
/// accepts, because a compressed result has other bytes.
pub(super) fn of(body: &[u8], media_type: MediaType, headers: &HeaderMap) -> HeaderValue {
    let mut digest = Sha256::new();
    digest.update(media_type.content_type());
    for coding in headers.get_all(header::ACCEPT_ENCODING) {
        digest.update([0]);
        digest.update(coding);
    }
    // No header holds this byte, so no header value can be mistaken for the start of a body.
    digest.update([b'\n']);
    digest.update(body);
    let digits: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::try_from(format!("\"{digits}\"")).expect("hexadecimal digits are a header's value")
}

/// Returns true if the client has the result of this tag, according to `If-None-Match`.
pub(super) fn is_known(tag: &HeaderValue, headers: &HeaderMap) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    known.any(|known| {
        let known = known.trim_ascii();
        // A cache on the way may have made the tag weak.
        known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes()
    })
}

/// Returns the response with its tag and its rules for caches.
pub(super) fn tagged(tag: HeaderValue, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    response
}
