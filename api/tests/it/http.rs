//! GraphQL over HTTP: every rule of statuses, headers and bodies.

use reqwest::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue, VARY, WWW_AUTHENTICATE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::serving::{Serving, token, token_for};

mod limits;

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

fn request(serving: &Serving, method: Method) -> RequestBuilder {
    Client::new()
        .request(method, serving.url("/graphql"))
        .bearer_auth(token())
}

async fn post(serving: &Serving, accept: &str, body: Value) -> Response {
    request(serving, Method::POST)
        .header(ACCEPT, accept)
        .json(&body)
        .send()
        .await
        .expect("the server answers")
}

async fn get(serving: &Serving, query: &[(&str, &str)]) -> Response {
    request(serving, Method::GET)
        .query(query)
        .header(ACCEPT, GRAPHQL)
        .send()
        .await
        .expect("the server answers")
}

fn header(response: &Response, name: impl reqwest::header::AsHeaderName) -> &str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("the header is text"))
}

/// The code of the first error; a request error must have no `data`.
async fn refusal(response: Response) -> String {
    let body: Value = response.json().await.expect("the body is JSON");
    assert!(body.get("data").is_none(), "{body}");
    assert!(
        !body["errors"][0]["message"]
            .as_str()
            .expect("an error has a message")
            .is_empty()
    );
    body["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn the_client_chooses_the_media_type() {
    let serving = Serving::start().await;
    for (accept, content_type) in [
        ("*/*", "application/json; charset=utf-8"),
        (JSON, "application/json; charset=utf-8"),
        (GRAPHQL, "application/graphql-response+json; charset=utf-8"),
        (
            "application/json;q=0.4, application/graphql-response+json;q=0.5",
            "application/graphql-response+json; charset=utf-8",
        ),
    ] {
        let response = post(&serving, accept, json!({"query": "{ answer }"})).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, CONTENT_TYPE), content_type);
        assert!(header(&response, VARY).contains("accept"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["data"], json!({"answer": 42}));
    }
    let response = post(&serving, "text/html", json!({"query": "{ answer }"})).await;
    assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE);
    assert_eq!(refusal(response).await, "BAD_REQUEST");
}

#[tokio::test]
async fn a_request_error_has_no_data_and_its_status_depends_on_the_media_type() {
    let serving = Serving::start().await;
    for body in [
        json!({"query": "{"}),
        json!({"query": "{ unknown }"}),
        json!({"query": "query($name: String!) { greet(name: $name) }"}),
        json!({"query": "query S($name: String!) { greet(name: $name) }"}),
        json!({"query": "query A { answer } query B { answer }"}),
        json!({"query": "query A { answer } query B { answer }", "operationName": "C"}),
    ] {
        let response = post(&serving, GRAPHQL, body.clone()).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        refusal(response).await;
        let response = post(&serving, JSON, body.clone()).await;
        assert_eq!(response.status(), StatusCode::OK, "{body}");
        refusal(response).await;
    }
}

#[tokio::test]
async fn an_execution_error_is_a_result() {
    let serving = Serving::start().await;
    for accept in [JSON, GRAPHQL] {
        let response = post(&serving, accept, json!({"query": "{ failing }"})).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["data"], Value::Null);
        assert!(body.as_object().unwrap().contains_key("data"));
        assert_eq!(body["errors"][0]["message"], "it fails");
    }
}

#[tokio::test]
async fn a_resolver_that_panics_fails_its_request_only() {
    let serving = Serving::start().await;
    let response = post(&serving, GRAPHQL, json!({"query": "{ panicking }"})).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(refusal(response).await, "INTERNAL");
    let response = post(&serving, GRAPHQL, json!({"query": "{ answer }"})).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn parameters_are_checked() {
    let serving = Serving::start().await;
    for body in [
        json!([]),
        json!([{"query": "{ answer }"}]),
        json!({"query": 1}),
        json!({"qeury": "{ answer }"}),
        json!({"query": "{ answer }", "variables": "x"}),
        json!({"query": "{ answer }", "operationName": {}}),
        json!({"query": "{ answer }", "extensions": 0}),
    ] {
        for accept in [JSON, GRAPHQL] {
            let response = post(&serving, accept, body.clone()).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
            assert_eq!(refusal(response).await, "BAD_REQUEST");
        }
    }
    let response = request(&serving, Method::POST)
        .header(CONTENT_TYPE, JSON)
        .body("{ \"not a JSON")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_post_must_say_that_it_is_json() {
    let serving = Serving::start().await;
    let with = |content_type: Option<&'static str>| {
        let request = request(&serving, Method::POST).body(r#"{"query": "{ answer }"}"#);
        let request = match content_type {
            Some(content_type) => request.header(CONTENT_TYPE, content_type),
            None => request,
        };
        async { request.send().await.unwrap() }
    };
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/graphql"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let response = with(content_type).await;
        assert_eq!(
            response.status(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type:?}"
        );
        assert_eq!(refusal(response).await, "BAD_REQUEST");
    }
    for content_type in [
        "Application/JSON",
        "application/json; charset=\"UTF-8\"",
        "application/json;charset=utf8",
        "application/json; charset=us-ascii",
        "application/json; charset=",
    ] {
        assert_eq!(
            with(Some(content_type)).await.status(),
            StatusCode::OK,
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn a_byte_order_mark_and_empty_parameters_mean_nothing() {
    let serving = Serving::start().await;
    let body = "\u{feff}{\"query\": \"{ answer }\", \"operationName\": \"\"}";
    let request = request(&serving, Method::POST).header(CONTENT_TYPE, "application/json");
    let response = request.body(body).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["data"], json!({"answer": 42}));
    let parameters = [
        ("query", "{ answer }"),
        ("operationName", ""),
        ("variables", ""),
        ("extensions", ""),
    ];
    let answer: Value = get(&serving, &parameters).await.json().await.unwrap();
    assert_eq!(answer["data"], json!({"answer": 42}));
}

#[tokio::test]
async fn get_runs_queries_only() {
    let serving = Serving::start().await;
    let response = get(&serving, &[("query", "{ answer }")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let variables = [
        (
            "query",
            "query A($name: String!) { greet(name: $name) } mutation B { change }",
        ),
        ("operationName", "A"),
        ("variables", r#"{"name": "Ada"}"#),
    ];
    let body: Value = get(&serving, &variables).await.json().await.unwrap();
    assert_eq!(body["data"], json!({"greet": "hello Ada"}));

    let mutation = "query A { answer } mutation B { change }";
    for query in [
        vec![("query", "mutation { change }")],
        vec![("query", "mutation M { change }")],
        vec![("query", "mutation M { change }"), ("operationName", "M")],
        vec![("query", mutation), ("operationName", "B")],
    ] {
        let response = get(&serving, &query).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&response, ALLOW), "POST");
        assert_eq!(refusal(response).await, "BAD_REQUEST");
    }
    assert_eq!(serving.changes(), 0, "nothing ran");
    for wrong in [
        vec![],
        vec![("query", mutation)],
        vec![("query", "mutation { change }"), ("operationName", "M")],
        vec![("query", "{ answer }"), ("variables", "{")],
        vec![("query", "{ answer }"), ("variables", "[]")],
        vec![("query", "{ answer }"), ("query", "{ who }")],
    ] {
        assert_eq!(
            get(&serving, &wrong).await.status(),
            StatusCode::BAD_REQUEST,
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn a_subscription_is_sent_to_the_websocket() {
    let serving = Serving::start().await;
    for query in [
        "subscription { count(to: 1) }",
        "subscription S { count(to: 1) }",
    ] {
        let response = post(&serving, JSON, json!({ "query": query })).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body.get("data"), None, "{query}");
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("graphql-transport-ws"), "{message}");
    }
}

#[tokio::test]
async fn other_methods_are_told_which_are_allowed() {
    let serving = Serving::start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let response = request(&serving, method).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&response, ALLOW), "GET, POST");
    }
}

#[tokio::test]
async fn a_token_is_needed_and_the_refusal_says_where_to_get_one() {
    let serving = Serving::start().await;
    let send = |authorization: Option<String>| {
        let request = Client::new().post(serving.url("/graphql"));
        let request = match authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        };
        async {
            request
                .json(&json!({"query": "{ who }"}))
                .send()
                .await
                .unwrap()
        }
    };
    for (authorization, challenge) in [
        (None, "Bearer"),
        (Some("Basic YTpi".to_owned()), "Bearer"),
        (
            Some("Bearer nonsense".to_owned()),
            r#"Bearer error="invalid_token""#,
        ),
        (
            Some(format!("Bearer {}", token_for(-60))),
            r#"Bearer error="invalid_token""#,
        ),
    ] {
        let response = send(authorization).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(header(&response, WWW_AUTHENTICATE), challenge);
        let body: Value = response.json().await.unwrap();
        assert!(body.get("data").is_none());
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("clustergenie token"), "{message}");
    }
    let body: Value = send(Some(format!("bearer {}", token())))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["data"], json!({"who": "ada@acme"}));
}

#[tokio::test]
async fn every_response_has_an_id_and_safe_headers() {
    let serving = Serving::start().await;
    let sent = |id: &'static str| {
        let request = Client::new()
            .get(serving.url("/graphql"))
            .header("x-request-id", id);
        async { request.send().await.unwrap() }
    };
    assert_eq!(header(&sent("my-id-1").await, "x-request-id"), "my-id-1");
    for wrong in ["", "two words"] {
        let response = sent(wrong).await;
        assert_eq!(header(&response, "x-request-id").len(), 36);
    }
    let response = sent("x").await;
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(header(&response, "x-frame-options"), "DENY");
    assert!(header(&response, "content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(header(&response, "cache-control"), "no-store");
}

#[tokio::test]
async fn the_trace_context_reaches_the_resolvers_and_comes_back_if_it_is_valid() {
    let serving = Serving::start().await;
    let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    // A later version's trace goes on, in the version that is known here.
    let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
    for (sent, seen) in [
        (valid, json!(valid)),
        (later, json!(valid)),
        ("00-nonsense", Value::Null),
    ] {
        let response = request(&serving, Method::GET)
            .query(&[("query", "{ traceparent }")])
            .header("traceparent", HeaderValue::from_static(sent))
            .send()
            .await
            .unwrap();
        let told = header(&response, "traceparent").to_owned();
        assert_eq!(told, seen.as_str().unwrap_or_default());
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["data"]["traceparent"], seen);
    }
}

#[tokio::test]
async fn a_consistency_token_reaches_the_resolvers_or_is_refused() {
    let serving = Serving::start().await;
    let send = |tokens: &[&str]| {
        let mut request = request(&serving, Method::GET).query(&[("query", "{ token }")]);
        for token in tokens {
            request = request.header("x-consistency-token", *token);
        }
        async { request.send().await.unwrap() }
    };
    // `1;job:` and a version of a stream.
    let token = "MjsxOjAxOTIzZjRhOGMwMDcwMDA4MDAwMDAwMDAwMDAwMDAxOjE";
    for (tokens, seen) in [(&[][..], Value::Null), (&[token], json!(token))] {
        let body: Value = send(tokens).await.json().await.unwrap();
        assert_eq!(body["data"]["token"], seen);
    }
    for tokens in [&["nonsense"][..], &[token, token]] {
        let response = send(tokens).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(refusal(response).await, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn responses_are_compressed_for_those_who_ask() {
    let serving = Serving::start().await;
    let response = request(&serving, Method::GET)
        .query(&[("query", "{ long(length: 10000) }")])
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&response, "content-encoding"), "gzip");
    assert!(response.bytes().await.unwrap().len() < 1_000);
}

#[tokio::test]
async fn the_server_stops_in_order() {
    let serving = Serving::start().await;
    assert_eq!(
        get(&serving, &[("query", "{ answer }")]).await.status(),
        StatusCode::OK
    );
    let address = serving.address;
    serving.stop();
    serving.stopped().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_url_that_is_not_utf_8_is_refused() {
    let serving = Serving::start().await;
    for (sent, status) in [
        ("%ff", StatusCode::BAD_REQUEST),
        ("%EF%BF%BD%ff", StatusCode::BAD_REQUEST),
        ("%EF%BF%BD", StatusCode::OK),
        ("\u{e9}", StatusCode::OK),
    ] {
        let url = serving.url(&format!("/graphql?query=%7Bgreet(name:%22{sent}%22)%7D"));
        let get = Client::new().get(url).bearer_auth(token());
        let response = get.send().await.expect("the server answers");
        assert_eq!(response.status(), status, "{sent}");
    }
}
