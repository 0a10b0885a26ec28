//! The console: the web page at `/`, as `console/` builds it.
//!
//! The page needs no token, but its requests do. Nothing is loaded from elsewhere, and the page's
//! Content-Security-Policy makes the browser enforce that. Every address of a page of the console gets the same
//! file, whose code shows the page.

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, DirEntry, include_dir};

use super::static_file::{CSS, Caching, HTML, JS, StaticFile};

static BUNDLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../console/dist");

/// The sources from which the page may load, and the hosts to which it may connect. Nothing inside a
/// page is a script or a style, so no hash is needed.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Returns the routes of the files of the bundle.
pub fn routes() -> Router {
    files(&BUNDLE)
        .into_iter()
        .fold(Router::new(), |router, (path, file)| {
            router.route(&path, file.route())
        })
}

/// Answers a request that no route has: with the console, if a person's browser asks for a page.
pub async fn page_or_not_found(request: Request) -> Response {
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match page() {
        Some(page) if wants_page && reads => page.answer(request.headers()),
        _ => (
            StatusCode::NOT_FOUND,
            "GraphQL is at /graphql, the console at /\n",
        )
            .into_response(),
    }
}

fn page() -> Option<StaticFile> {
    let content = BUNDLE.get_file("index.html")?.contents();
    Some(StaticFile {
        content_type: HTML,
        content,
        caching: Caching::Ask,
        content_security_policy: CONTENT_SECURITY_POLICY,
    })
}

/// Returns the files of a directory with their paths. The names in `assets` change with their content.
fn files(directory: &'static Dir<'static>) -> Vec<(String, StaticFile)> {
    let mut files = Vec::new();
    for entry in directory.entries() {
        match entry {
            DirEntry::Dir(inner) => files.extend(self::files(inner)),
            DirEntry::File(file) => {
                let path = file.path();
                let caching = match path.starts_with("assets") {
                    true => Caching::Forever,
                    false => Caching::Ask,
                };
                let content_type = match path.extension().and_then(|extension| extension.to_str()) {
                    Some("js") => JS,
                    Some("css") => CSS,
                    Some("svg") => "image/svg+xml",
                    _ => HTML,
                };
                let name = path.display().to_string();
                let path = match name.as_str() {
                    "index.html" => "/".to_owned(),
                    name => format!("/{name}"),
                };
                let file = StaticFile {
                    content_type,
                    content: file.contents(),
                    caching,
                    content_security_policy: CONTENT_SECURITY_POLICY,
                };
                files.push((path, file));
            }
        }
    }
    files
}
