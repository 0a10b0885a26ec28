//! Results that clients keep: their tags, and the answer that nothing changed.

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::serving::{Serving, token};

const DOCUMENT: &str = "query Who($name: String!) { who greet(name: $name) }";
const JSON: &str = "application/json";

fn persisted(document: &str) -> Value {
    let digest = Sha256::digest(document);
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

/// A server that knows the document.
async fn serving(document: &str) -> Serving {
    let serving = Serving::start().await;
    let body = json!({
        "query": document, "variables": {"name": "ada"}, "extensions": persisted(document),
    });
    let request = Client::new().post(serving.url("/graphql"));
    let answer = request.bearer_auth(token()).json(&body).send().await;
    let answer = answer.expect("the server answers");
    assert_eq!(answer.status(), StatusCode::OK);
    serving
}

/// Asks by GET with the parameters and headers.
async fn get(
    serving: &Serving,
    params: &[(&str, &str)],
    headers: &[(reqwest::header::HeaderName, &str)],
) -> Response {
    let mut request = Client::new().get(serving.url("/graphql")).query(params);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.bearer_auth(token());
    request.send().await.expect("the server answers")
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> &str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("the header is text"))
}

#[tokio::test]
async fn a_result_is_not_sent_again_until_it_changes() {
    let serving = serving(DOCUMENT).await;
    let extensions = persisted(DOCUMENT).to_string();
    let ada = [
        ("extensions", extensions.as_str()),
        ("variables", r#"{"name":"ada"}"#),
    ];
    let bob = [
        ("extensions", extensions.as_str()),
        ("variables", r#"{"name":"bob"}"#),
    ];

    let first = get(&serving, &ada, &[]).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header(&first, CACHE_CONTROL), "private, no-cache");
    let tag = header(&first, ETAG).to_owned();
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() == 66,
        "{tag}"
    );

    for known in [
        tag.clone(),
        "*".to_owned(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
    ] {
        let again = get(&serving, &ada, &[(IF_NONE_MATCH, &known)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&again, ETAG), tag);
        assert_eq!(header(&again, CACHE_CONTROL), "private, no-cache");
        assert!(header(&again, VARY).contains("accept"));
        assert_eq!(header(&again, CONTENT_TYPE), "");
        assert_ne!(header(&again, "x-ratelimit-remaining".parse().unwrap()), "");
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }

    for (params, headers) in [
        (&bob, vec![(IF_NONE_MATCH, tag.as_str())]),
        (&ada, vec![(IF_NONE_MATCH, "\"other\"")]),
        // The same result is other bytes in another form.
        (
            &ada,
            vec![(IF_NONE_MATCH, tag.as_str()), (ACCEPT_ENCODING, "gzip")],
        ),
        (
            &ada,
            vec![
                (IF_NONE_MATCH, tag.as_str()),
                (ACCEPT, "application/graphql-response+json"),
            ],
        ),
    ] {
        let other = get(&serving, params, &headers).await;
        assert_eq!(other.status(), StatusCode::OK, "{headers:?}");
        assert!(!header(&other, ETAG).is_empty());
    }
}

#[tokio::test]
async fn nothing_else_may_be_kept() {
    let failing = "{ failing }";
    let serving = serving(failing).await;
    let (failing, unknown) = (
        persisted(failing).to_string(),
        persisted("{ who }").to_string(),
    );
    for params in [
        [("query", "{ answer }"), ("operationName", "")],
        [("extensions", failing.as_str()), ("variables", "{}")],
        [("extensions", unknown.as_str()), ("variables", "{}")],
    ] {
        let answer = get(&serving, &params, &[(IF_NONE_MATCH, "*"), (ACCEPT, JSON)]).await;
        assert_eq!(answer.status(), StatusCode::OK, "{params:?}");
        assert_eq!(header(&answer, ETAG), "");
        assert_eq!(header(&answer, CACHE_CONTROL), "no-store");
    }
    let request = Client::new()
        .post(serving.url("/graphql"))
        .bearer_auth(token());
    let request = request.header(IF_NONE_MATCH, "*");
    let body = json!({"query": "{ answer }", "extensions": persisted("{ answer }")});
    let posted = request.json(&body).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::OK);
    assert_eq!(header(&posted, ETAG), "");
    assert_eq!(header(&posted, CACHE_CONTROL), "no-store");
}
