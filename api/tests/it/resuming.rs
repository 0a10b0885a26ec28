//! However a subscription over a real connection ends, a client that comes back with its last cursor
//! has every event once: with a token that ends, and when the client reads too slowly.

use std::sync::Arc;
use std::time::Duration;

use api::graph::answer::Answer;
use api::graph::request::RequestInfo;
use api::identity::roles::Role;
use api::pipeline::{Executor, Pipeline, Request, Started};
use api::transport::endpoint::WebSocketLimits;
use futures_util::StreamExt;
use projections::page::log_cursor;
use serde_json::{Value, json};
use testkit::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::calling::{Caller, TestApi, text};
use crate::serving::{Held, PATIENCE, Serving, token, token_for};
use crate::websocket::client::{Client, init, masked, raw_upgrade};

/// How many jobs are submitted: many times what lies in the buffers between server and client.
const JOBS: usize = 40;

/// The schema, whose living subscriptions are counted.
#[derive(Clone)]
struct Counted {
    pipeline: Pipeline,
    living: Arc<Semaphore>,
}

impl Executor for Counted {
    fn receive(&self, info: &RequestInfo, bytes: usize) -> Result<(), Box<Answer>> {
        self.pipeline.receive(info, bytes)
    }

    fn start(&self, request: Request) -> Started {
        match self.pipeline.start(request) {
            Started::Many(answers) => {
                let held = Held::new(self.living.clone());
                let counted = answers.inspect(move |_| {
                    let _ = &held;
                });
                Started::Many(counted.boxed())
            }
            other => other,
        }
    }
}

async fn serve(api: &TestApi, write: Duration) -> Serving {
    let living = Arc::new(Semaphore::new(0));
    let limits = WebSocketLimits {
        write,
        closing: PATIENCE,
        ..WebSocketLimits::default()
    };
    let executor = Counted {
        pipeline: api.pipeline(),
        living: living.clone(),
    };
    Serving::of(executor, limits, living).await
}

/// Submits jobs, each as large as one may be; gives their ids.
async fn jobs(agent: &Caller) -> Vec<String> {
    let droplet = agent.droplet("web-1").await;
    let parameters = json!({ "notes": "x".repeat(16_000) });
    let input = json!({
        "kind": "batch", "target": { "droplet": droplet }, "runner": "AGENT", "parameters": parameters,
    });
    let mut ids = Vec::new();
    for _ in 0..JOBS {
        let mut payload = agent.done("submitJob", input.clone()).await;
        ids.push(text(payload["job"]["id"].take()));
    }
    ids
}

/// Follows jobs after a cursor, with payloads of some 400 KiB.
fn large(after: &str) -> String {
    let copies: String = (0..25)
        .map(|copy| format!("p{copy}: parameters "))
        .collect();
    format!(
        "subscription {{ jobChanged(after: {after:?}) {{ cursor job {{ resourceId {copies} }} }} }}"
    )
}

/// Follows jobs after a cursor.
fn small(after: &str) -> String {
    format!("subscription {{ jobChanged(after: {after:?}) {{ cursor job {{ resourceId }} }} }}")
}

fn beginning() -> String {
    log_cursor(Default::default())
}

/// A connection that takes in as little as possible that is not read.
async fn narrow(serving: &Serving) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("there is a socket");
    socket.set_recv_buffer_size(4_096).expect("it may be small");
    socket
        .connect(serving.address)
        .await
        .expect("the server listens")
}

async fn until_given_up(serving: &Serving) {
    wait::until("the server gives up", async || {
        (serving.held.available_permits() == 0).then_some(())
    })
    .await;
}

/// Everything that the server still sends.
async fn rest(mut socket: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
    // How it ends is no matter, only what came before.
    let _ = read.expect("the server closes");
    rest
}

/// Everything that the server still sends, up to its word that it closes: it then waits for ours.
async fn until_told(mut socket: TcpStream) -> Vec<u8> {
    let mut sent = Vec::new();
    let reading = async {
        while !says_that_it_closes(&sent) {
            let more = socket.read_buf(&mut sent).await;
            if more.expect("the connection holds") == 0 {
                break;
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("the server closes");
    sent
}

fn says_that_it_closes(mut sent: &[u8]) -> bool {
    while let Some((opcode, _, others)) = frame(sent) {
        if opcode == 0x8 {
            return true;
        }
        sent = others;
    }
    false
}

/// What a result tells of a job: the cursor and the id.
fn told(result: &Value) -> (String, String) {
    let change = &result["data"]["jobChanged"];
    (
        text(change["cursor"].clone()),
        text(change["job"]["resourceId"].clone()),
    )
}

/// The ids of as many events as come after a cursor until there are `total`.
async fn resumed(serving: &Serving, before: &[(String, String)], total: usize) -> Vec<String> {
    let mut ids: Vec<_> = before.iter().map(|(_, id)| id.clone()).collect();
    let mut client = Client::admitted(serving).await;
    let after = before
        .last()
        .map_or_else(beginning, |(cursor, _)| cursor.clone());
    client.subscribe("1", &small(&after)).await;
    while ids.len() < total {
        let message = client.hear().await;
        assert_eq!(message["type"], "next", "{message}");
        ids.push(told(&message["payload"]).1);
    }
    ids
}

#[tokio::test]
async fn a_websocket_that_is_not_read_is_closed_without_a_hole() {
    let api = TestApi::start().await;
    let expected = jobs(&api.caller(&[Role::Agent])).await;
    let serving = serve(&api, Duration::from_millis(300)).await;
    let mut socket = raw_upgrade(narrow(&serving).await).await;
    let subscribe = json!({
        "type": "subscribe", "id": "1", "payload": { "query": large(&beginning()) },
    });
    for message in [init(), subscribe.to_string()] {
        socket
            .write_all(&masked(&message))
            .await
            .expect("the server reads");
    }
    wait::until("the subscription runs", async || {
        (serving.held.available_permits() == 1).then_some(())
    })
    .await;
    until_given_up(&serving).await;

    let mut messages = Vec::new();
    let mut closed = None;
    let sent = until_told(socket).await;
    let mut unread = sent.as_slice();
    while let Some((opcode, payload, others)) = frame(unread) {
        match opcode {
            0x8 => closed = Some((u16::from_be_bytes([payload[0], payload[1]]), &payload[2..])),
            0x1 => messages.push(serde_json::from_slice::<Value>(payload).expect("JSON")),
            _ => {}
        }
        unread = others;
    }
    let (code, reason) = closed.expect("it is told that it was closed");
    assert_eq!(code, 1013);
    assert!(reason.starts_with(b"slow consumer"));
    let results = messages.iter().filter(|message| message["type"] == "next");
    let before: Vec<_> = results.map(|message| told(&message["payload"])).collect();
    assert!(before.len() < JOBS, "it was too slow for all of them");
    assert_eq!(resumed(&serving, &before, JOBS).await, expected);
}

#[tokio::test]
async fn events_that_are_not_read_are_cut_off_without_a_hole() {
    let api = TestApi::start().await;
    let expected = jobs(&api.caller(&[Role::Agent])).await;
    api.platform.settle().await;
    let serving = serve(&api, PATIENCE).await;
    let mut socket = narrow(&serving).await;
    let body = json!({ "query": large(&beginning()) }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\naccept: text/event-stream\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        token(),
        body.len(),
    );
    socket
        .write_all(head.as_bytes())
        .await
        .expect("the server reads");
    socket
        .write_all(body.as_bytes())
        .await
        .expect("the server reads");
    let mut first = [0; 12];
    socket.read_exact(&mut first).await.expect("it is answered");
    assert_eq!(&first, b"HTTP/1.1 200");
    // From now on time passes whenever everybody waits.
    tokio::time::pause();
    until_given_up(&serving).await;
    tokio::time::resume();

    let sent = rest(socket).await;
    let sent = String::from_utf8(sent).expect("events are text");
    assert!(!sent.contains("event: complete"), "it is cut off");
    // What follows the last line break is the beginning of an event that is lost and sent again.
    let (whole, _) = sent.rsplit_once('\n').expect("there are lines");
    let results = whole.lines().filter_map(|line| line.strip_prefix("data: "));
    let results = results.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let before: Vec<_> = results.map(|result| told(&result)).collect();
    assert!(before.len() < JOBS, "it was too slow for all of them");
    assert_eq!(resumed(&serving, &before, JOBS).await, expected);
}

#[tokio::test]
async fn a_websocket_ends_with_its_token_and_resumes_with_another() {
    let api = TestApi::start().await;
    let agent = api.caller(&[Role::Agent]);
    let droplet = agent.droplet("web-1").await;
    let serving = serve(&api, PATIENCE).await;
    let mut client = Client::connect(&serving).await;
    // It has ended, but is taken for some time more because clocks differ.
    client.init(json!({ "authorization": token_for(-3) })).await;
    assert_eq!(client.hear().await["type"], "connection_ack");
    client.subscribe("1", &small(&beginning())).await;
    let first = agent.job(&droplet).await;
    let before = vec![told(&client.hear().await["payload"])];
    // Nothing else comes, neither an error nor the end of the subscription.
    let frame = client.closed_at_once().await;
    assert_eq!(u16::from(frame.code), 4403);
    assert_eq!(
        frame.reason.as_str(),
        "the token expired: reconnect with a new one"
    );
    let second = agent.job(&droplet).await;
    assert_eq!(resumed(&serving, &before, 2).await, [first, second]);

    // The same token lets nobody in again.
    let mut client = Client::connect(&serving).await;
    client.init(json!({ "authorization": token_for(-6) })).await;
    assert_eq!(u16::from(client.closed().await.code), 4403);
}

/// The first frame that a server sent, if all of it is there: its opcode and payload, and what follows.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (payload, others) = rest.split_at_checked(length)?;
    Some((first & 0xf, payload, others))
}
