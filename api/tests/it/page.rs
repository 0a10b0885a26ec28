//! The pages for people: whole, ours, and kept by browsers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use reqwest::{Client, StatusCode};
use sha2::{Digest, Sha256};

use crate::serving::Serving;

#[tokio::test]
async fn the_page_and_all_it_loads_are_served_from_here() {
    let serving = Serving::start().await;
    let response = reqwest::get(serving.url("/graphiql")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"));
    let page = response.text().await.unwrap();
    let loaded: Vec<&str> = page
        .split('"')
        .filter(|text| text.ends_with(".js") || text.ends_with(".css"))
        .collect();
    assert_eq!(loaded.len(), 7);
    for path in loaded {
        let response = reqwest::get(serving.url(&format!("/{path}")))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let expected = if path.ends_with(".js") {
            "text/javascript"
        } else {
            "text/css"
        };
        let content_type = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(content_type.starts_with(expected), "{path}: {content_type}");
    }
}

#[tokio::test]
async fn the_console_is_served_at_every_address_that_a_browser_asks_for() {
    let serving = Serving::start().await;
    let get = async |path: &str, accept: &str| {
        let request = Client::new()
            .get(serving.url(path))
            .header("accept", accept);
        request.send().await.unwrap()
    };
    let page = get("/", "text/html").await.text().await.unwrap();
    assert!(page.contains("<div id=\"root\">"), "{page}");
    let deep = get("/droplets/some-id?status=ACTIVE", "text/html,*/*;q=0.8").await;
    assert_eq!(deep.status(), StatusCode::OK);
    let policy = deep.headers()["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(deep.text().await.unwrap(), page);
    let other = get("/droplets", "application/json").await;
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
    let script = page.split('"').find(|text| text.ends_with(".js")).unwrap();
    let script = get(script, "*/*").await;
    let caching = script.headers()["cache-control"].to_str().unwrap();
    assert!(caching.contains("immutable"), "{caching}");
}

#[tokio::test]
async fn graphiql_can_be_switched_off() {
    let serving = Serving::without_graphiql().await;
    let response = reqwest::get(serving.url("/graphiql")).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_asset_that_did_not_change_is_not_sent_again() {
    let serving = Serving::start().await;
    let url = serving.url("/graphiql/graphiql.min.js");
    let first = Client::new()
        .get(&url)
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(first.headers()["content-encoding"], "gzip");
    let etag = first.headers()["etag"].clone();
    let ask = |known: reqwest::header::HeaderValue| {
        let request = Client::new().get(&url).header("if-none-match", known);
        async { request.send().await.unwrap() }
    };
    let again = ask(etag.clone()).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()["etag"], etag);
    assert_eq!(
        ask("\"another\"".parse().unwrap()).await.status(),
        StatusCode::OK
    );
}

#[test]
fn the_assets_are_what_the_readme_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/transport/graphiql");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let listed: BTreeMap<String, String> = readme
        .lines()
        .filter_map(|line| line.split_once("  "))
        .filter(|(hash, _)| hash.len() == 64)
        .map(|(hash, file)| (file.to_owned(), hash.to_owned()))
        .collect();
    let ours = ["README.md", "index.html", "page.css", "page.js"];
    let mut found = BTreeMap::new();
    let mut bytes = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        let content = fs::read(file.path()).unwrap();
        bytes += content.len();
        let name = file.file_name().into_string().unwrap();
        if !ours.contains(&name.as_str()) {
            let hash = Sha256::digest(&content)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            found.insert(name, hash);
        }
    }
    assert_eq!(found, listed);
    assert!(bytes < 2_000_000, "{bytes}");
}
