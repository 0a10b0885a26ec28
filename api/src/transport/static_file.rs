//! Files of web pages that are part of the program.

use std::fmt::Write;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use sha2::{Digest, Sha256};

pub(super) const CSS: &str = "text/css; charset=utf-8";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JS: &str = "text/javascript; charset=utf-8";

/// A file of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaticFile {
    pub(super) content_type: &'static str,
    pub(super) content: &'static [u8],
    pub(super) caching: Caching,
    /// The policy that browsers enforce, if the file is a page.
    pub(super) content_security_policy: &'static str,
}

/// The time for which browsers use a file without a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caching {
    /// Browsers ask each time whether the file has changed, and rarely load it again.
    Ask,
    /// The path changes with the content, so browsers never ask again.
    Forever,
}

impl StaticFile {
    /// Returns the route of the file.
    pub(super) fn route(self) -> MethodRouter {
        let etag = etag(self.content);
        get(async move |headers: HeaderMap| self.respond(&etag, &headers))
    }

    /// Answers a request with these headers.
    pub(super) fn answer(self, headers: &HeaderMap) -> Response {
        self.respond(&etag(self.content), headers)
    }

    fn respond(self, etag: &HeaderValue, headers: &HeaderMap) -> Response {
        let caching = match self.caching {
            Caching::Ask => "public, no-cache",
            Caching::Forever => "public, max-age=31536000, immutable",
        };
        let fixed = [
            (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(self.content_security_policy),
            ),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            ),
            (header::ETAG, etag.clone()),
        ];
        if headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|known| matches(known, etag))
        {
            return (StatusCode::NOT_MODIFIED, fixed).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type)];
        (fixed, content_type, Bytes::from_static(self.content)).into_response()
    }
}

/// Returns a weak tag, since the same content is also sent compressed.
fn etag(content: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(content);
    let hex = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes everything that is written");
        hex
    });
    HeaderValue::from_str(&format!("W/\"{hex}\"")).expect("hex digits and quotes are visible ASCII")
}

fn matches(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    match (known.to_str(), etag.to_str()) {
        (Ok("*"), _) => true,
        (Ok(known), Ok(etag)) => known.split(',').any(|tag| bare(tag) == bare(etag)),
        _ => false,
    }
}
