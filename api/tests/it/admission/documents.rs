//! Documents by their hash: persisted ones and trusted ones.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use api::admission::documents::trusted::TrustedError;
use api::admission::limits::Limits;
use api::pipeline::{Rules, Runs};
use api::schema;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{JSON, answer, code, post};
use crate::serving::{Serving, token};
use crate::websocket::client::Client as Socket;

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn persisted(hash: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

#[tokio::test]
async fn a_document_is_asked_for_by_its_hash() {
    let serving = Serving::start().await;
    let document = "query Who { who }";
    let extensions = persisted(&sha256(document));
    let by_hash = json!({"extensions": extensions});
    assert_eq!(
        code(&answer(&serving, by_hash.clone()).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let both = json!({"query": document, "extensions": extensions});
    let who = json!({"who": "ada@acme"});
    assert_eq!(answer(&serving, both).await["data"], who);
    assert_eq!(answer(&serving, by_hash).await["data"], who);
    let request = Client::new()
        .get(serving.url("/graphql"))
        .bearer_auth(token());
    let query = [("extensions", extensions.to_string())];
    let got = request.query(&query).send().await.unwrap();
    assert_eq!(got.json::<Value>().await.unwrap()["data"], who);
    let mut socket = Socket::admitted(&serving).await;
    socket
        .say(json!({"type": "subscribe", "id": "1", "payload": {"extensions": extensions}}))
        .await;
    assert_eq!(socket.hear().await["payload"]["data"], who);
}

#[tokio::test]
async fn a_hash_must_be_the_documents() {
    let serving = Serving::start().await;
    for extension in [
        persisted(&sha256("{ other }"))["persistedQuery"].take(),
        json!({"version": 2, "sha256Hash": sha256("{ who }")}),
        json!({"version": 1, "sha256Hash": "abc"}),
        json!({"version": 1}),
        json!("abc"),
    ] {
        let extensions = json!({"persistedQuery": extension});
        let body = answer(
            &serving,
            json!({"query": "{ who }", "extensions": extensions}),
        )
        .await;
        assert_eq!(code(&body), "BAD_REQUEST", "{extensions}");
    }
    let nothing = post(
        &serving,
        JSON,
        json!({"extensions": {"persistedQuery": null}}),
    )
    .await;
    assert_eq!(nothing.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_trusted_documents_run_where_only_they_may() {
    let folder = Folder::new();
    let document = "query Name {\n  __typename\n}\n";
    fs::write(folder.path().join("name.graphql"), document).unwrap();
    fs::write(folder.path().join("notes.txt"), "not GraphQL").unwrap();
    let trusted = schema::load_trusted(folder.path(), &Limits::DEFAULT).unwrap();
    assert_eq!(trusted.len(), 1);
    let by_hash = json!({"extensions": persisted(&sha256(document))});
    let rules = |runs| Rules {
        trusted: trusted.clone(),
        runs,
        ..Rules::default()
    };
    let serving = Serving::under(rules(Runs::OnlyTrusted)).await;
    let name = json!({"__typename": "Query"});
    assert_eq!(answer(&serving, by_hash.clone()).await["data"], name);
    assert_eq!(
        answer(&serving, json!({"query": document})).await["data"],
        name
    );
    for other in ["{ __typename }", "{ answer }", "{"] {
        let unknown = json!({"extensions": persisted(&sha256(other))});
        for body in [json!({"query": other}), unknown] {
            assert_eq!(code(&answer(&serving, body).await), "DOCUMENT_NOT_TRUSTED");
        }
    }
    let serving = Serving::under(rules(Runs::Everything)).await;
    assert_eq!(answer(&serving, by_hash).await["data"], name);
    let body = answer(&serving, json!({"query": "{ answer }"})).await;
    assert_eq!(body["data"], json!({"answer": 42}));
}

#[tokio::test]
async fn a_trusted_document_that_would_not_run_is_refused_with_its_file() {
    for (document, reason) in [
        (
            "{ nothing }",
            "type `Query` does not have a field `nothing`",
        ),
        ("{", "expected"),
        (
            "query A { counts { __typename } } query B { b }",
            "type `Query` does not have a field `b`",
        ),
        (
            "subscription { dropletChanged { cursor } jobChanged { cursor } }",
            "subscription",
        ),
    ] {
        let folder = Folder::new();
        fs::write(folder.path().join("bad.graphql"), document).unwrap();
        let refused = schema::load_trusted(folder.path(), &Limits::DEFAULT).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("bad.graphql"), "{refused}");
        assert!(refused.contains(reason), "{refused}");
    }
    let folder = Folder::new();
    let missing = schema::load_trusted(&folder.path().join("missing"), &Limits::DEFAULT);
    assert!(matches!(missing, Err(TrustedError::Unreadable { .. })));
}

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!(
            "clustergenie-documents-{}-{}",
            process::id(),
            Uuid::new_v4()
        );
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).expect("it is new");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is the system's to clean up.
        let _ = fs::remove_dir_all(&self.0);
    }
}
