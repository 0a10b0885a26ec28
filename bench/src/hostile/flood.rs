//! The memory of the program, and the duration of a good client's query, while others flood it.
//!
//! The program runs as a separate process with its Postgres, and the clients in this process, on the same
//! processors. The hostile clients share one viewer's token. Each connection sends its next request as soon
//! as the last one is answered; those over WebSocket keep many operations running. The good client belongs
//! to another organization. All limits have their defaults.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use api::admission::limits::MAX_BODY_BYTES;
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::requests;
use crate::latencies::percentile;
use crate::platform::Platform;

/// Number of hostile clients, and of their connections. The last connections are WebSockets.
const CLIENTS: usize = 10;
const CONNECTIONS: usize = 16;
const WEBSOCKETS: usize = 4;

/// Number of operations that a hostile client keeps running on a WebSocket.
const OPERATIONS: usize = 50;

/// Number of droplets of the hostile organization, each with a job of large parameters.
const HOSTILE_DROPLETS: usize = 500;

/// Number of droplets of the good organization, all of which the good query lists.
const DROPLETS: usize = 50;

/// Interval between two good queries, for which their subject has enough points.
const APART: Duration = Duration::from_millis(30);

/// The most memory that the program may use, in MiB, without its Postgres.
const MEMORY_MIB: u64 = 256;

/// Timeout of an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A typical query of a page that lists droplets.
const QUERY: &str = "{ droplets(first: 50) { totalCount pageInfo { hasNextPage endCursor } nodes { \
    id name status size { slug } region { slug } tags addresses { kind ip } createdAt } } }";

/// Number of answers to hostile requests, by code.
type Answers = Arc<Mutex<BTreeMap<String, usize>>>;

/// Prints the duration of the good query, alone and beside the flood, and the memory of the program.
///
/// # Errors
/// When the program cannot be started, an answer is wrong, or the program uses too much memory.
pub(super) async fn run(program: &Path, lasts: Duration) -> anyhow::Result<()> {
    let platform = Platform::start(program).await?;
    let measured = measure(&platform, lasts).await;
    platform.stop().await?;
    measured
}

async fn measure(platform: &Platform, lasts: Duration) -> anyhow::Result<()> {
    let mut last = String::new();
    for number in 0..DROPLETS {
        last = platform.provision(&format!("good-{number}")).await?.token;
    }
    let good = Good::new(platform, "good").await?;
    let consistent = format!("{{ droplets(first: 1, consistentWith: {last:?}) {{ totalCount }} }}");
    good.send(&Client::new(), &consistent).await?;
    let bodies = Arc::new(requests::bodies(&prepare(platform).await?)?);
    let token = platform.token_of("hostile", "viewer", "hostile").await?;
    println!(
        "{CLIENTS} hostile clients, {CONNECTIONS} connections, {} requests in turn",
        bodies.len()
    );
    println!("the program uses {} MiB", platform.memory_mib()?);
    println!("   p50 ms    p99 ms  queries  beside");
    let mut alone = good.row("nothing", lasts / 4).await?;
    let answers = Answers::default();
    let mut flood = JoinSet::new();
    let clients: Vec<_> = (0..CLIENTS).map(|_| Client::new()).collect();
    for number in 0..CONNECTIONS {
        let from = number * bodies.len() / CONNECTIONS;
        let hostile = Hostile {
            client: clients[number % CLIENTS].clone(),
            url: platform.url(),
            websocket_url: platform.websocket_url(),
            token: token.clone(),
            bodies: Arc::clone(&bodies),
            from,
            answers: Arc::clone(&answers),
        };
        if number + WEBSOCKETS < CONNECTIONS {
            flood.spawn(async move { hostile.post().await });
        } else {
            flood.spawn(async move { hostile.talk().await });
        }
    }
    let beside = good.row("the flood", lasts).await?;
    flood.shutdown().await;
    // Before and after, because the speed of a machine changes.
    let again = Good::new(platform, "good again").await?;
    alone.extend(again.row("nothing, again", lasts / 4).await?);
    alone.sort_unstable();
    let times = percentile(&beside, 99) / percentile(&alone, 99);
    println!("{times:>20.2} times the p99 alone");
    let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    let number: usize = answers.values().sum();
    println!(
        "{:.0} hostile requests a second: {answers:?}",
        number as f64 / lasts.as_secs_f64()
    );
    let (peak, present) = (platform.peak_memory_mib()?, platform.memory_mib()?);
    println!("the program used at most {peak} MiB, and uses {present} MiB now");
    ensure!(peak <= MEMORY_MIB, "the program may use {MEMORY_MIB} MiB");
    Ok(())
}

/// Fills the hostile organization, and returns the consistency token of one of its droplets.
async fn prepare(platform: &Platform) -> anyhow::Result<String> {
    let token = platform.token_of("hostile", "admin", "setup").await?;
    let client = Client::new();
    let mutate = async |document: &str, variables: Value| {
        let body = json!({ "query": document, "variables": variables });
        let sent = client.post(platform.url()).bearer_auth(&token).json(&body);
        let mut answer: Value = sent.send().await?.json().await?;
        let payload = answer["data"]["done"].take();
        ensure!(
            payload["consistencyToken"].is_string(),
            "{answer} {payload}"
        );
        anyhow::Ok(payload)
    };
    let provision = "mutation ($name: String!) { done: provisionDroplet(input: { name: $name, \
        size: \"s-1vcpu-1gb\", region: \"nyc3\", image: \"ubuntu-24-04-x64\", provisioner: AGENT }) { \
        droplet { id } consistencyToken userErrors { message } } }";
    let submit = "mutation ($droplet: ID!, $parameters: JSON) { done: submitJob(input: { kind: \"batch\", \
        target: { droplet: $droplet }, runner: AGENT, parameters: $parameters }) { \
        consistencyToken userErrors { message } } }";
    let parameters = json!({ "zeros": vec![0; 8_000] });
    let mut last = String::new();
    for number in 0..HOSTILE_DROPLETS {
        let provisioned = mutate(provision, json!({ "name": format!("hostile-{number}") })).await?;
        let droplet = &provisioned["droplet"]["id"];
        mutate(
            submit,
            json!({ "droplet": droplet, "parameters": parameters }),
        )
        .await?;
        provisioned["consistencyToken"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut last);
    }
    Ok(last)
}

/// A client of the good organization.
#[derive(Clone)]
struct Good {
    url: String,
    token: String,
}

impl Good {
    async fn new(platform: &Platform, subject: &str) -> anyhow::Result<Self> {
        Ok(Self {
            url: platform.url(),
            token: platform.token_of("demo", "viewer", subject).await?,
        })
    }

    /// Measures the good query for a while, prints a row of the table, and returns the sorted durations. The client has
    /// a thread of its own, so that it does not wait for the work of the hostile clients.
    async fn row(&self, name: &'static str, lasts: Duration) -> anyhow::Result<Vec<Duration>> {
        let good = self.clone();
        let measured = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(good.measure(name, lasts))
        });
        measured.await?
    }

    async fn measure(&self, name: &str, lasts: Duration) -> anyhow::Result<Vec<Duration>> {
        let client = Client::new();
        let end = Instant::now() + lasts;
        let mut ticks = interval(APART);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut times = Vec::new();
        while Instant::now() < end {
            ticks.tick().await;
            let sent = Instant::now();
            let answer = self.send(&client, QUERY).await?;
            let droplets = answer["data"]["droplets"]["nodes"].as_array();
            ensure!(
                droplets.is_some_and(|droplets| droplets.len() == DROPLETS),
                "the good query is not answered: {answer}"
            );
            times.push(sent.elapsed());
        }
        times.sort_unstable();
        let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
        println!("{p50:>9.2}  {p99:>8.2}  {:>7}  {name}", times.len());
        Ok(times)
    }

    async fn send(&self, client: &Client, document: &str) -> anyhow::Result<Value> {
        let request = client.post(&self.url).bearer_auth(&self.token);
        let request = request.json(&json!({ "query": document }));
        Ok(request.send().await?.json().await?)
    }
}

/// A connection of a hostile client.
struct Hostile {
    client: Client,
    url: String,
    websocket_url: String,
    token: String,
    bodies: Arc<Vec<String>>,
    /// The number of the first request, so that each connection begins somewhere else.
    from: usize,
    answers: Answers,
}

impl Hostile {
    fn bodies(&self) -> impl Iterator<Item = String> {
        self.bodies.iter().cycle().skip(self.from).cloned()
    }

    /// Sends all requests in turn over HTTP until aborted.
    async fn post(&self) {
        for body in self.bodies() {
            let request = self.client.post(&self.url).bearer_auth(&self.token);
            let request = request
                .header("content-type", "application/json")
                .body(body);
            let answer = timeout(PATIENCE, async { request.send().await?.text().await }).await;
            match answer {
                Ok(Ok(answer)) => self.count(code(&answer)),
                // The server closes the connection of a body that it does not read.
                Ok(Err(_)) => self.count("(connection closed)"),
                Err(_) => self.count("(no answer)"),
            }
        }
    }

    /// Sends all requests in turn over WebSockets until aborted.
    async fn talk(&self) {
        // A longer message closes the connection, with all that runs on it.
        let mut bodies = self
            .bodies()
            .filter(|body| body.len() < MAX_BODY_BYTES - 100);
        while self.socket(&mut bodies).await.is_err() {
            self.count("(WebSocket closed)");
        }
    }

    async fn socket(&self, bodies: &mut impl Iterator<Item = String>) -> anyhow::Result<()> {
        let mut request = self.websocket_url.as_str().into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = timeout(PATIENCE, connect_async(request)).await??;
        let payload = json!({ "authorization": format!("Bearer {}", self.token) });
        let init = json!({ "type": "connection_init", "payload": payload });
        socket.send(Message::text(init.to_string())).await?;
        let mut running = 0;
        for (id, body) in bodies.by_ref().enumerate() {
            let message = format!(r#"{{"type":"subscribe","id":"{id}","payload":{body}}}"#);
            socket.send(Message::text(message)).await?;
            running += 1;
            while running >= OPERATIONS {
                let heard = timeout(PATIENCE, socket.next()).await?;
                let Message::Text(text) = heard.context("the connection is closed")?? else {
                    continue;
                };
                let start = text.get(..40).unwrap_or(&text);
                if start.contains(r#""next""#) || start.contains(r#""error""#) {
                    self.count(code(&text));
                }
                if start.contains(r#""complete""#) || start.contains(r#""error""#) {
                    running -= 1;
                }
            }
        }
        Ok(())
    }

    fn count(&self, code: &str) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(code.to_owned()).or_default() += 1;
    }
}

/// The code of the first error of an answer. The answer is not parsed, because its reader must not slow the
/// measured program on the same processors.
fn code(answer: &str) -> &str {
    let code = answer.split_once(r#""code":""#);
    let code = code.and_then(|(_, rest)| rest.split_once('"'));
    code.map_or("(answered)", |(code, _)| code)
}
