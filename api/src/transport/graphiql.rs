//! The web page at `/`: GraphiQL from our own assets, with examples.
//!
//! The page needs no token, but its requests do. Nothing is loaded from elsewhere, and the page's
//! Content-Security-Policy makes the browser enforce that. `graphiql/README.md` gives the sources of the
//! assets, which a test checks.

use std::fmt::Write;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// The sources from which the page may load, and the hosts to which it may connect. Fonts and images are
/// inside the style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
    'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The caching of assets: browsers ask each time whether an asset has changed, and rarely load it again.
const CACHE_CONTROL: &str = "public, no-cache";

/// A file of the page.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

/// Lists assets by the names of their files.
macro_rules! assets {
    ($($path:literal: $content_type:ident = $file:literal,)+) => {
        &[$(Asset {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("graphiql/", $file)),
        },)+]
    };
}

const CSS: &str = "text/css; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

const ASSETS: &[Asset] = assets! {
    "/": HTML = "index.html",
    "/graphiql/page.css": CSS = "page.css",
    "/graphiql/page.js": JS = "page.js",
    "/graphiql/graphiql.min.css": CSS = "graphiql.min.css",
    "/graphiql/graphiql.min.js": JS = "graphiql.min.js",
    "/graphiql/graphql-ws.min.js": JS = "graphql-ws.min.js",
    "/graphiql/react-dom.production.min.js": JS = "react-dom.production.min.js",
    "/graphiql/react.production.min.js": JS = "react.production.min.js",
};

/// Returns the routes of the page and its assets.
pub fn routes() -> Router {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        let etag = etag(asset.content);
        router.route(
            asset.path,
            get(async move |headers: HeaderMap| asset.respond(&etag, &headers)),
        )
    })
}

impl Asset {
    fn respond(&self, etag: &HeaderValue, headers: &HeaderMap) -> Response {
        let fixed = [
            (
                header::CACHE_CONTROL,
                HeaderValue::from_static(CACHE_CONTROL),
            ),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(CONTENT_SECURITY_POLICY),
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

#[cfg(test)]
mod tests {
    use crate::admission::documents::Document;
    use crate::admission::limits::Limits;
    use crate::graph::execute::schema::ExecutableSchema;
    use crate::schema::Platform;

    #[test]
    fn the_examples_fit_the_schema() {
        let page = include_str!("graphiql/page.js");
        let examples: Vec<&str> = page
            .split("query: `")
            .skip(1)
            .map(|rest| rest.split('`').next().unwrap())
            .collect();
        assert_eq!(examples.len(), 3);
        let schema = ExecutableSchema::new::<Platform>();
        for example in examples {
            Document::read(example, &Limits::DEFAULT, &schema).expect(example);
        }
    }
}
