//! Controls which web pages may use the API from a browser (CORS).
//!
//! A page of another origin can read nothing unless the operator names its origin. Cookies are never part
//! of a request, so a page can only use a token that it has. CORS does not apply to WebSockets: browsers
//! let every page open them, and each WebSocket needs a token.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowHeaders, CorsLayer};

use crate::transport::traceparent::TRACEPARENT;

/// The time for which a browser may cache its permissions.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// The headers that a page may read, besides those that every page may read.
const RESPONSE_HEADERS: [HeaderName; 7] = [
    header::ETAG,
    header::RETRY_AFTER,
    TRACEPARENT,
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
    HeaderName::from_static("x-request-id"),
];

/// The origin of web pages, as browsers write it: scheme, host, and the port unless it is the
/// scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The error for a text that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is a scheme and a host, with a port if need be, such as https://app.example.com: \
     leave out everything else, and name each origin by itself"
)]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let scheme = uri.scheme_str().ok_or(InvalidOrigin)?.to_ascii_lowercase();
        let authority = uri.authority().ok_or(InvalidOrigin)?;
        let host = authority.host().to_ascii_lowercase();
        let is_bare = uri.path_and_query().is_none_or(|path| path == "/");
        if !is_bare || host.is_empty() || host.contains('*') || authority.as_str().contains('@') {
            return Err(InvalidOrigin);
        }
        let port = match (scheme.as_str(), authority.port_u16()) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        let origin = HeaderValue::try_from(format!("{scheme}://{host}{port}"));
        origin.map(Self).map_err(|_| InvalidOrigin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.to_str().expect("an origin is made of text"))
    }
}

/// Returns the layer that answers the CORS requests of browsers for pages of these origins. Such a page may
/// send any header: clients and their monitoring add headers of their own, and none of them gives a right.
pub(crate) fn layer(origins: Vec<Origin>) -> CorsLayer {
    let origins: Vec<_> = origins.into_iter().map(|Origin(origin)| origin).collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(RESPONSE_HEADERS)
        .max_age(MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, origin) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.com/", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let parsed: Origin = text.parse().unwrap();
            assert_eq!(parsed.to_string(), origin);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://*.example.com",
            "https://app.example.com/page",
            "https://app.example.com/?a=1",
            "https://me@app.example.com",
            "https://a.example.com https://b.example.com",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }
}
