//! The web page at `/graphiql`: GraphiQL from our own assets, with examples.
//!
//! The page needs no token, but its requests do. Nothing is loaded from elsewhere, and the page's
//! Content-Security-Policy makes the browser enforce that. `graphiql/README.md` gives the sources of the
//! assets, which a test checks.

use axum::Router;

use super::static_file::{CSS, Caching, HTML, JS, StaticFile};

/// The sources from which the page may load, and the hosts to which it may connect. Fonts and images are
/// inside the style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
    'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page, and its path.
type Asset = (&'static str, StaticFile);

/// Lists assets by the names of their files.
macro_rules! assets {
    ($($path:literal: $content_type:ident = $file:literal,)+) => {
        &[$(($path, StaticFile {
            content_type: $content_type,
            content: include_bytes!(concat!("graphiql/", $file)),
            caching: Caching::Ask,
            content_security_policy: CONTENT_SECURITY_POLICY,
        }),)+]
    };
}

const ASSETS: &[Asset] = assets! {
    "/graphiql": HTML = "index.html",
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
    ASSETS.iter().fold(Router::new(), |router, (path, file)| {
        router.route(path, file.route())
    })
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
