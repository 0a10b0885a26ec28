//! Which web pages may use the API from a browser.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::serving::{Serving, token};

const APP: &str = "https://app.example.com";
const STRANGER: &str = "https://app.example.com.evil.example";

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?;
    Some(value.to_str().expect("the header is text"))
}

/// Asks, as a browser does, whether a page may send a request with a token.
async fn preflight(serving: &Serving, origin: &str) -> Response {
    Client::new()
        .request(Method::OPTIONS, serving.url("/graphql"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,apollographql-client-name,sentry-trace,x-requested-with",
        )
        .send()
        .await
        .expect("the server answers")
}

async fn post(serving: &Serving, origin: &str) -> Response {
    Client::new()
        .post(serving.url("/graphql"))
        .bearer_auth(token())
        .header("origin", origin)
        .json(&json!({ "query": "{ answer }" }))
        .send()
        .await
        .expect("the server answers")
}

#[tokio::test]
async fn by_default_no_page_is_allowed() {
    let serving = Serving::start().await;
    for response in [preflight(&serving, APP).await, post(&serving, APP).await] {
        assert_eq!(
            header(response.headers(), "access-control-allow-origin"),
            None
        );
    }
    assert_eq!(
        preflight(&serving, APP).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn pages_of_named_origins_are_allowed_and_no_others() {
    let serving = Serving::for_pages_of(&["http://localhost:3000", APP]).await;
    let allowed = preflight(&serving, APP).await;
    assert_eq!(allowed.status(), StatusCode::OK);
    let headers = allowed.headers();
    assert_eq!(header(headers, "access-control-allow-origin"), Some(APP));
    assert_eq!(
        header(headers, "access-control-allow-methods"),
        Some("GET,POST")
    );
    assert_eq!(header(headers, "access-control-allow-credentials"), None);
    let request_headers = header(headers, "access-control-allow-headers").unwrap_or_default();
    assert!(
        request_headers.contains("authorization,content-type")
            && request_headers.contains("sentry-trace"),
        "{request_headers}"
    );

    let answer = post(&serving, APP).await;
    let headers = answer.headers();
    assert_eq!(header(headers, "access-control-allow-origin"), Some(APP));
    let exposed = header(headers, "access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("x-request-id"), "{exposed}");
    let varies: Vec<_> = headers.get_all("vary").iter().collect();
    let varies = format!("{varies:?}");
    assert!(
        varies.contains("accept") && varies.contains("origin"),
        "{varies}"
    );

    for response in [
        preflight(&serving, STRANGER).await,
        post(&serving, STRANGER).await,
    ] {
        assert_eq!(
            header(response.headers(), "access-control-allow-origin"),
            None
        );
    }
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_send_any_header() {
    let serving = Serving::for_pages_of(&[APP]).await;
    for asked in [
        "authorization,content-type,x-request-id",
        "apollographql-client-name,apollographql-client-version,apollo-require-preflight",
        "baggage,sentry-trace,traceparent",
        "cache-control,last-event-id,x-requested-with",
        "x-of-their-own",
    ] {
        let request = Client::new().request(Method::OPTIONS, serving.url("/graphql"));
        let request = request
            .header("origin", APP)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", asked);
        let allowed = request.send().await.expect("the server answers");
        assert_eq!(allowed.status(), StatusCode::OK);
        let headers = allowed.headers();
        assert_eq!(header(headers, "access-control-allow-headers"), Some(asked));
        assert_eq!(header(headers, "access-control-allow-origin"), Some(APP));
    }
}

#[tokio::test]
async fn a_page_can_read_why_it_was_refused() {
    let serving = Serving::for_pages_of(&[APP]).await;
    let response = Client::new()
        .post(serving.url("/graphql"))
        .header("origin", APP)
        .json(&json!({ "query": "{ answer }" }))
        .send()
        .await
        .expect("the server answers");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        header(response.headers(), "access-control-allow-origin"),
        Some(APP)
    );
    let body: Value = response.json().await.expect("the body is JSON");
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
