//! GraphQL over server-sent events: what is sent, what is refused, and how a stream ends.

use api::graph::answer::MAX_ANSWER_BYTES;
use reqwest::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use testkit::wait;
use tokio::time::timeout;

use crate::serving::{PATIENCE, Serving, token, token_for, without_cost};

/// What a client reads, event by event.
struct Events {
    response: Response,
    unread: String,
}

/// An event's type and data.
type Event = (String, Value);

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            header(response.headers(), "content-type"),
            "text/event-stream"
        );
        Self {
            response,
            unread: String::new(),
        }
    }

    /// The text up to the next empty line; `None` at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = rest.to_owned();
                return Some(block);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk
                .expect("the server sends")
                .expect("it does not break off")?;
            self.unread += std::str::from_utf8(&chunk).expect("events are text");
        }
    }

    async fn next(&mut self) -> Option<Event> {
        let block = self.block().await?;
        let (first, second) = block.split_once('\n').expect("an event has two lines");
        let event = first.strip_prefix("event:").expect("the first is the type");
        let data = second
            .strip_prefix("data:")
            .expect("the second is the data");
        let data = match data.trim() {
            "" => Value::Null,
            json => without_cost(serde_json::from_str(json).expect("data is JSON")),
        };
        Some((event.trim().to_owned(), data))
    }

    async fn all(mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).map(|value| value.to_str());
    value.map_or("", |value| value.expect("the header is text"))
}

fn next(data: Value) -> Event {
    ("next".to_owned(), data)
}

fn complete() -> Event {
    ("complete".to_owned(), Value::Null)
}

fn by_post(serving: &Serving, document: &str) -> RequestBuilder {
    Client::new()
        .post(serving.url("/graphql"))
        .bearer_auth(token())
        .header(ACCEPT, "text/event-stream")
        .json(&json!({ "query": document }))
}

fn by_get(serving: &Serving, document: &str) -> RequestBuilder {
    Client::new()
        .get(serving.url("/graphql"))
        .bearer_auth(token())
        .header(ACCEPT, "text/event-stream")
        .query(&[("query", document)])
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("the server answers")
}

/// A token that is taken for another second, by the leeway.
fn soon_over() -> HeaderMap {
    let value = format!("Bearer {}", token_for(-4));
    let value = value.parse().expect("a token is a header's text");
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

async fn events(serving: &Serving, document: &str) -> Events {
    Events::of(send(by_post(serving, document)).await)
}

#[tokio::test]
async fn every_type_of_operation_is_streamed() {
    let serving = Serving::start().await;
    for (document, results) in [
        ("{ answer }", vec![json!({ "answer": 42 })]),
        ("mutation { change }", vec![json!({ "change": 1 })]),
        ("mutation M { change }", vec![json!({ "change": 1 })]),
        (
            "subscription { count(to: 3) }",
            vec![
                json!({ "count": 1 }),
                json!({ "count": 2 }),
                json!({ "count": 3 }),
            ],
        ),
        ("subscription { count(to: 0) }", vec![]),
    ] {
        let results = results.into_iter();
        let mut expected: Vec<_> = results.map(|data| next(json!({ "data": data }))).collect();
        expected.push(complete());
        assert_eq!(
            events(&serving, document).await.all().await,
            expected,
            "{document}"
        );
        if !document.starts_with("mutation") {
            let events = Events::of(send(by_get(&serving, document)).await);
            assert_eq!(events.all().await, expected, "{document}");
        }
    }
}

#[tokio::test]
async fn a_stream_is_neither_kept_nor_held_back_on_its_way() {
    let serving = Serving::start().await;
    let request = by_post(&serving, "{ long(length: 10000) }").header("accept-encoding", "gzip");
    let response = send(request).await;
    let headers = response.headers();
    assert_eq!(header(headers, "cache-control"), "no-store");
    assert_eq!(header(headers, "x-accel-buffering"), "no");
    assert_eq!(header(headers, "vary"), "accept");
    assert_eq!(header(headers, "content-encoding"), "");
}

#[tokio::test]
async fn get_does_not_mutate() {
    let serving = Serving::start().await;
    for document in ["mutation { change }", "mutation M { change }"] {
        let response = send(by_get(&serving, document)).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "POST");
    }
    assert_eq!(serving.changes(), 0, "nothing ran");
}

#[tokio::test]
async fn a_wrong_document_is_told_by_an_event() {
    let serving = Serving::start().await;
    for document in [
        "{",
        "{ unknown }",
        "query ($name: String!) { greet(name: $name) }",
        "query S($name: String!) { greet(name: $name) }",
        "subscription { refused }",
    ] {
        let events = events(&serving, document).await.all().await;
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(events[0].0, "next", "{document}");
        assert!(
            events[0].1["errors"][0]["message"].is_string(),
            "{document}"
        );
        assert_eq!(events[0].1.get("data"), None, "{document}");
        assert_eq!(events[1], complete(), "{document}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_by_its_status() {
    let serving = Serving::start().await;
    let plain = || {
        let request = Client::new().post(serving.url("/graphql"));
        request.header(ACCEPT, "text/event-stream")
    };
    for (request, status) in [
        (
            plain().json(&json!({ "query": "{ answer }" })),
            StatusCode::UNAUTHORIZED,
        ),
        (
            plain().bearer_auth(token()).json(&json!({})),
            StatusCode::BAD_REQUEST,
        ),
        (
            plain()
                .bearer_auth(token())
                .header(CONTENT_TYPE, "application/json")
                .body("{"),
            StatusCode::BAD_REQUEST,
        ),
        (
            plain().bearer_auth(token()).body("{}"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
    ] {
        let response = send(request).await;
        assert_eq!(response.status(), status);
        assert!(header(response.headers(), "content-type").starts_with("application/json"));
        let body: Value = response.json().await.expect("the body is JSON");
        assert!(body["errors"][0]["message"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_is_told_before_the_end() {
    let serving = Serving::start().await;
    let half = events(&serving, "subscription { half }").await.all().await;
    assert_eq!(half[0], next(json!({ "data": { "half": 1 } })));
    assert_eq!(half[1].1["errors"][0]["message"], "it fails");
    assert_eq!(half[2..], [complete()]);
    for document in ["subscription { panics }", "{ panicking }"] {
        let events = events(&serving, document).await.all().await;
        let [.., failure, end] = &events[..] else {
            panic!("too few: {events:?}");
        };
        assert_eq!(failure.1["errors"][0]["extensions"]["code"], "INTERNAL");
        assert_eq!(*end, complete());
    }
}

#[tokio::test]
async fn a_result_that_is_too_long_is_told_and_the_next_comes() {
    let serving = Serving::start().await;
    let document = format!("subscription {{ long(length: {MAX_ANSWER_BYTES}) }}");
    let events = events(&serving, &document).await.all().await;
    let short = next(json!({ "data": { "long": "x" } }));
    assert_eq!(events[0], short);
    assert_eq!(events[1].1["data"], Value::Null);
    assert_eq!(
        events[1].1["errors"][0]["extensions"]["code"],
        "LIMIT_EXCEEDED"
    );
    assert_eq!(events[2..], [short, complete()]);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let serving = Serving::start().await;
    let request = by_post(&serving, "subscription { held }").headers(soon_over());
    let events = Events::of(send(request).await).all().await;
    assert_eq!(events[0], next(json!({ "data": { "held": 1 } })));
    assert_eq!(
        events[1].1["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
    assert_eq!(events[2..], [complete()]);
}

#[tokio::test]
async fn a_mutation_that_runs_does_not_end_with_its_token() {
    let serving = Serving::start().await;
    let document = "mutation { changeLate(after: 2000) }";
    let request = by_post(&serving, document).headers(soon_over());
    let events = Events::of(send(request).await).all().await;
    let result = next(json!({ "data": { "changeLate": 1 } }));
    assert_eq!(events, [result, complete()]);
    assert_eq!(serving.changes(), 1);
}

#[tokio::test]
async fn a_stopping_server_cuts_subscriptions_off_so_that_clients_come_back() {
    let serving = Serving::start().await;
    let mut events = events(&serving, "subscription { held }").await;
    assert_eq!(
        events.next().await,
        Some(next(json!({ "data": { "held": 1 } })))
    );
    serving.stop();
    assert_eq!(events.next().await, None);
    serving.stopped().await;
}

#[tokio::test]
async fn an_operation_ends_when_its_client_goes_away() {
    let serving = Serving::start().await;
    let mut events = events(&serving, "subscription { held }").await;
    assert!(events.next().await.is_some());
    assert_eq!(serving.held.available_permits(), 1);
    drop(events);
    wait::until("the operation is dropped", async || {
        (serving.held.available_permits() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_operation_ends_when_its_client_reads_nothing() {
    let serving = Serving::start().await;
    let events = events(&serving, "subscription { flood }").await;
    wait::until("the operation runs", async || {
        (serving.held.available_permits() == 1).then_some(())
    })
    .await;
    // From now on time passes whenever everybody waits.
    tokio::time::pause();
    wait::until("the operation is dropped", async || {
        (serving.held.available_permits() == 0).then_some(())
    })
    .await;
    drop(events);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let serving = Serving::start().await;
    let mut events = events(&serving, "subscription { held }").await;
    assert!(events.next().await.is_some());
    // From now on time passes whenever everybody waits.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let chunk = events.response.chunk().await.expect("the stream goes on");
    assert_eq!(chunk.as_deref(), Some(&b":\n\n"[..]));
    assert!(started.elapsed().as_secs() <= 15);
}
