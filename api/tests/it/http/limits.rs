//! The limits of bodies, URLs and responses.

use api::graph::answer::MAX_ANSWER_BYTES;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{GRAPHQL, JSON, post, refusal, request};
use crate::serving::{Serving, token};

/// A document with this many bytes around it makes a body of exactly so many.
fn body_of(bytes: usize) -> String {
    let body = |padding: usize| format!(r#"{{"query":"{{ answer }} #{}"}}"#, "x".repeat(padding));
    body(bytes - body(0).len())
}

#[tokio::test]
async fn a_body_has_a_limit_whether_it_is_announced_or_not() {
    let serving = Serving::start().await;
    let send = |body: String| {
        let request = request(&serving, Method::POST)
            .header(CONTENT_TYPE, JSON)
            .body(body);
        async { request.send().await.unwrap() }
    };
    assert_eq!(send(body_of(256 * 1024)).await.status(), StatusCode::OK);
    let response = send(body_of(256 * 1024 + 1)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refusal(response).await, "LIMIT_EXCEEDED");

    let mut socket = TcpStream::connect(serving.address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        token()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let chunk = "x".repeat(0x8000);
    for _ in 0..9 {
        let sent = socket
            .write_all(format!("8000\r\n{chunk}\r\n").as_bytes())
            .await;
        if sent.is_err() {
            break;
        }
    }
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_url_has_a_limit() {
    let serving = Serving::start().await;
    let get = |bytes: usize| {
        let start = "/graphql?query=%7Banswer%7D&unknown=";
        let url = serving.url(&format!("{start}{}", "x".repeat(bytes - start.len())));
        async {
            Client::new()
                .get(url)
                .bearer_auth(token())
                .send()
                .await
                .unwrap()
        }
    };
    assert_eq!(get(8 * 1024).await.status(), StatusCode::OK);
    let response = get(8 * 1024 + 1).await;
    assert_eq!(response.status(), StatusCode::URI_TOO_LONG);
    assert_eq!(refusal(response).await, "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn a_response_has_a_limit() {
    let serving = Serving::start().await;
    let send = |length: usize| {
        let query = format!("{{ long(length: {length}) }}");
        post(&serving, GRAPHQL, json!({ "query": query }))
    };
    // What is around the text takes less than 100 bytes.
    let response = send(MAX_ANSWER_BYTES - 100).await;
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body["data"]["long"].as_str().map(str::len),
        Some(MAX_ANSWER_BYTES - 100)
    );
    let response = send(MAX_ANSWER_BYTES).await;
    assert_eq!(response.status(), StatusCode::OK, "it was executed");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body.get("data"), Some(&Value::Null));
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED");
    assert!(error["message"].as_str().unwrap().contains("smaller pages"));
}
