//! Caps of what principals, organizations and addresses have at once, and the refusals beyond them.

use api::identity::roles::Role;
use api::identity::shares::{Most, Shares};
use api::pipeline::Rules;
use api::transport::server::ConnectionLimits;
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::{Client as Http, Response, StatusCode};
use serde_json::{Value, json};
use testkit::wait;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::calling::{TestApi, code_of, text};
use crate::serving::{Serving, token, token_of};
use crate::websocket::client::Client;

/// One of a principal, and two of an organization.
const FEW: Most = Most {
    principal: 1,
    organization: 2,
};

fn sharing(change: impl FnOnce(&mut Shares)) -> Rules {
    let mut shares = Shares::default();
    change(&mut shares);
    Rules {
        shares,
        ..Rules::default()
    }
}

/// Sends a document over HTTP for a stream of events.
async fn events(serving: &Serving, token: &str, document: &str) -> Response {
    let request = Http::new().post(serving.url("/graphql")).bearer_auth(token);
    let request = request.header(ACCEPT, "text/event-stream");
    let request = request.json(&json!({ "query": document }));
    request.send().await.expect("it is answered")
}

/// Checks that the response says what is too much, and what to do.
async fn is_too_many(response: Response, of: &str) {
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let answer: Value = response.json().await.expect("it is JSON");
    assert_eq!(code_of(&answer), "LIMIT_EXCEEDED");
    let message = text(answer["errors"][0]["message"].clone());
    assert!(
        message.contains(of) && message.contains("try again later"),
        "{message}"
    );
}

#[tokio::test]
async fn subscriptions_are_counted_over_all_transports_until_they_end() {
    let rules = sharing(|shares| shares.subscriptions = shares.subscriptions.with(FEW));
    let serving = Serving::under(rules).await;
    let held = "subscription { held }";
    let first = events(&serving, &token(), held).await;
    assert_eq!(first.status(), StatusCode::OK);
    is_too_many(
        events(&serving, &token(), held).await,
        "you have 1 subscriptions",
    )
    .await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", held).await;
    let refused = client.hear().await;
    assert_eq!(refused["type"], "error", "{refused}");
    assert_eq!(
        refused["payload"][0]["extensions"]["code"],
        "LIMIT_EXCEEDED"
    );

    let second = events(&serving, &token_of("bob"), held).await;
    assert_eq!(second.status(), StatusCode::OK);
    let refused = events(&serving, &token_of("eve"), held).await;
    is_too_many(refused, "your organization has 2 subscriptions").await;

    drop(first);
    wait::until("the place is free", async || {
        client.subscribe("2", held).await;
        (client.hear().await["type"] == "next").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_websocket_too_many_is_closed_with_a_reason() {
    let rules = sharing(|shares| shares.websockets = shares.websockets.with(FEW));
    let serving = Serving::under(rules).await;
    let first = Client::admitted(&serving).await;
    let mut second = Client::connect(&serving).await;
    second.init(json!({ "authorization": token() })).await;
    let frame = second.closed_at_once().await;
    assert_eq!(u16::from(frame.code), 1013);
    assert_eq!(
        frame.reason.as_str(),
        "you have 1 WebSockets at once, which is the most: end some, or try again later"
    );
    drop(first);
    wait::until("the place is free", async || {
        let mut client = Client::connect(&serving).await;
        client.init(json!({ "authorization": token() })).await;
        (client.hear_or_close().await == Some(json!({ "type": "connection_ack" }))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn requests_in_progress_are_counted_and_streams_are_requests() {
    let rules = sharing(|shares| shares.requests = shares.requests.with(FEW));
    let serving = Serving::under(rules).await;
    let first = events(&serving, &token(), "subscription { held }").await;
    assert_eq!(first.status(), StatusCode::OK);
    let refused = events(&serving, &token(), "{ answer }").await;
    assert!(refused.headers().contains_key(RETRY_AFTER));
    is_too_many(refused, "you have 1 requests in progress").await;
    let mut client = Client::admitted(&serving).await;
    client.subscribe("1", "{ answer }").await;
    let refused = client.hear().await;
    assert_eq!(
        refused["payload"][0]["extensions"]["code"],
        "LIMIT_EXCEEDED"
    );
    drop(first);
    wait::until("the place is free", async || {
        let response = events(&serving, &token(), "{ answer }").await;
        (response.status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn waits_for_a_write_are_counted() {
    let none = Most {
        principal: 0,
        organization: 0,
    };
    let rules = sharing(|shares| shares.waits = shares.waits.with(none));
    let api = TestApi::with(rules).await;
    let admin = api.caller(&[Role::Admin]);
    let id = admin.droplet("web-1").await;
    let input = json!({ "id": id, "name": "web-2" });
    let token = text(admin.done("renameDroplet", input).await["consistencyToken"].take());
    let variables = json!({ "token": token });
    let read =
        "query ($token: String) { droplets(first: 1, consistentWith: $token) { totalCount } }";
    assert_eq!(admin.code(read, variables.clone()).await, "LIMIT_EXCEEDED");
    let follow = "subscription ($token: String) { dropletChanged(after: $token) { cursor } }";
    assert_eq!(admin.code(follow, variables).await, "LIMIT_EXCEEDED");
    admin
        .data("{ droplets(first: 1) { totalCount } }", Value::Null)
        .await;
}

#[tokio::test]
async fn connections_of_an_address_are_counted_and_told() {
    let limits = ConnectionLimits {
        of_address: 2,
        ..ConnectionLimits::default()
    };
    let serving = Serving::limited(limits).await;
    // What sends nothing counts too.
    let idle = TcpStream::connect(serving.address).await.expect("connects");
    let admitted = Client::admitted(&serving).await;
    let mut refused = TcpStream::connect(serving.address).await.expect("connects");
    let mut told = String::new();
    refused
        .read_to_string(&mut told)
        .await
        .expect("the refusal is sent");
    assert!(told.starts_with("HTTP/1.1 429 "), "{told}");
    assert!(told.ends_with(
        "your address has 2 connections, which is the most: close some, or try again later\n"
    ));
    drop(idle);
    wait::until("the place is free", async || {
        let url = serving.url("/livez");
        reqwest::get(url)
            .await
            .ok()
            .filter(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    drop(admitted);
}

#[tokio::test]
async fn websockets_behind_a_trusted_proxy_are_counted_by_the_addresses_of_clients() {
    let limits = ConnectionLimits {
        of_address: 1,
        trusted_proxies: ["127.0.0.0/8"].map(|text| text.parse().expect("is one"))[..].into(),
        ..ConnectionLimits::default()
    };
    let serving = Serving::limited(limits).await;
    let from = |address: &'static str| [("x-forwarded-for", address)];
    let _first = Client::connect_with(&serving, &from("192.0.2.1")).await;
    let _other = Client::connect_with(&serving, &from("192.0.2.2")).await;
    // The proxy's own connections do not count.
    let _own = Client::connect_with(&serving, &[]).await;
    let refused = Http::new()
        .get(serving.url("/graphql"))
        .header("x-forwarded-for", "192.0.2.2, 192.0.2.1")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "graphql-transport-ws")
        .send()
        .await
        .expect("it is answered");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let told = refused.text().await.expect("the refusal is sent");
    assert!(told.starts_with("your address has 1 connections"), "{told}");
}
