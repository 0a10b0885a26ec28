//! Fair shares: no kind of work takes the connections of another, however many clients ask for it.

use std::collections::BTreeSet;

use projections::page::{LogCursor, log_cursor};
use reqwest::RequestBuilder;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::port;
use testkit::wait::until;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::program::{Folder, Up, printed, run, signal};

/// Requests of each kind in a flood: more than any pool has connections.
const FLOOD: usize = 40;

/// Looks in a row that find no further statement that waits.
const QUIET_LOOKS: usize = 50;

/// What clients ask for: reads of the log for subscribers, queries, and the platform's state.
fn floods() -> [String; 3] {
    let beginning = log_cursor(LogCursor::default());
    [
        format!("subscription {{ eventRecorded(after: {beginning:?}) {{ cursor }} }}"),
        "{ droplets(first: 1) { nodes { id } } }".to_owned(),
        "{ platform { position } }".to_owned(),
    ]
}

/// Stopped processes, which run on when this value is dropped.
#[derive(Default)]
struct Stopped(BTreeSet<u32>);

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.0 {
            signal(*pid, Signal::CONT);
        }
    }
}

#[tokio::test]
async fn commands_and_probes_go_on_while_everything_else_is_stuck() {
    let folder = Folder::new();
    let up = Up::start_with(&folder, &["--listen", "127.0.0.1:0", "--step-delay", "1h"]).await;
    let droplet = up
        .query(
            r#"mutation { provisionDroplet(input: {
                name: "web-1", size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64"
                provisioner: AGENT, tags: ["same"]
            }) { droplet { id } } }"#,
        )
        .await;
    let id = droplet["provisionDroplet"]["droplet"]["id"].clone();
    let database = PgPool::connect(&up.ready().database_url).await.unwrap();
    let mut tokens = Vec::new();
    for org in ["demo", "a", "b", "c"] {
        let asked = ["token", "--data", "data", "--org", org, "--role", "admin"];
        tokens.push(printed(&run(&folder, &asked).await).trim().to_owned());
    }

    // Once one subscriber has caught up, the others begin with the log at once.
    let floods = floods();
    let mut first = request(&up, &tokens[0], &floods[0]).send().await.unwrap();
    let event = first.chunk().await.unwrap().unwrap();
    assert!(
        String::from_utf8_lossy(&event).contains("eventRecorded"),
        "{event:?}"
    );
    let mut locks = database.begin().await.unwrap();
    sqlx::raw_sql("lock table es.log, es.log_head, droplets_1.droplets in access exclusive mode")
        .execute(&mut *locks)
        .await
        .unwrap();
    let mut flood = JoinSet::new();
    for (number, document) in (0..FLOOD).flat_map(|n| floods.iter().map(move |flood| (n, flood))) {
        let request = request(&up, &tokens[number % tokens.len()], document);
        flood.spawn(async move { request.send().await?.bytes().await });
    }
    // What waits for a lock would fail in a moment. A stopped process keeps its connection for good.
    let mut stopped = Stopped::default();
    let mut quiet = 0;
    until("every connection of the flood is stuck", async || {
        let found = waiting(&database).await;
        quiet += 1;
        for pid in found {
            if stopped.0.insert(pid) {
                signal(pid, Signal::STOP);
                quiet = 0;
            }
        }
        (stopped.0.len() >= floods.len() && quiet >= QUIET_LOOKS).then_some(())
    })
    .await;
    locks.rollback().await.unwrap();

    // The droplet has the tag, so the answer rests on its stream as it is stored.
    let tag = format!(
        "mutation {{ tagDroplet(input: {{ id: {id}, tag: \"same\" }}) \
         {{ droplet {{ version }} userErrors {{ code }} }} }}"
    );
    let tagged = up.query(&tag).await;
    assert_eq!(tagged["tagDroplet"]["userErrors"], json!([]));
    let named = up
        .query(
            r#"mutation { createCluster(input: { name: "c-1", minimumNodes: 0, maximumNodes: 3 }) {
                userErrors { code }
            } }"#,
        )
        .await;
    assert_eq!(named["createCluster"]["userErrors"], json!([]));
    until("the process is ready", async || {
        let asked = reqwest::get(format!("{}/readyz", up.ready().url)).await;
        let told: Value = asked.unwrap().json().await.unwrap();
        told["ready"].as_bool().filter(|ready| *ready)
    })
    .await;
    drop(stopped);
    drop((first, flood));
    assert!(up.stop().await.success());
}

#[tokio::test]
async fn probes_commands_and_catch_ups_go_on_beside_a_crowd_of_idle_sockets() {
    // Half of them are left for connections of clients.
    const DESCRIPTORS: usize = 600;
    const PLACES: usize = DESCRIPTORS / 2;
    const CATCH_UPS: usize = 20;
    const HISTORY: usize = 60;
    const LATER: usize = 20;
    let folder = Folder::new();
    let probes = format!("127.0.0.1:{}", port::free());
    let settings = ["--listen", "127.0.0.1:0", "--metrics-listen", &probes];
    let up = Up::start_within(&folder, DESCRIPTORS, &settings).await;
    // A client that keeps its connection, as clients and proxies do.
    let client = reqwest::Client::new();
    let create = async |number: usize| {
        let document = format!(
            "mutation {{ createCluster(input: {{ name: \"c-{number}\", minimumNodes: 0, maximumNodes: 3 }}) \
             {{ userErrors {{ code }} }} }}"
        );
        let request = client
            .post(format!("{}/graphql", up.ready().url))
            .bearer_auth(&up.ready().token)
            .json(&json!({ "query": document }));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            answer["data"]["createCluster"]["userErrors"],
            json!([]),
            "{answer}"
        );
    };
    for number in 0..HISTORY {
        create(number).await;
    }
    let mut followers = JoinSet::new();
    for _ in 0..CATCH_UPS {
        let request = request(&up, &up.ready().token, &floods()[0]);
        followers.spawn(async move {
            let mut events = request.send().await.unwrap();
            let mut heard = 0;
            while heard < HISTORY + LATER {
                let chunk = events.chunk().await.unwrap().expect("the stream goes on");
                heard += String::from_utf8_lossy(&chunk)
                    .matches("event: next")
                    .count();
            }
        });
    }
    let address = up.ready().url.strip_prefix("http://").unwrap();
    let mut idle = Vec::new();
    for _ in 0..PLACES {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    // There are more than places, so the last one was closed.
    let mut nothing = [0];
    let closed = idle.last_mut().unwrap().read(&mut nothing).await;
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");

    for number in HISTORY..HISTORY + LATER {
        create(number).await;
        let ready = reqwest::get(format!("http://{probes}/readyz"))
            .await
            .unwrap();
        assert_eq!(ready.status(), reqwest::StatusCode::OK);
    }
    let metrics = reqwest::get(format!("http://{probes}/metrics"))
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains(r#"clustergenie_http_connections_refused_total{of="process"}"#));
    while let Some(heard) = followers.join_next().await {
        heard.unwrap();
    }
    drop(idle);
    assert!(up.stop().await.success());
}

fn request(up: &Up, token: &str, document: &str) -> RequestBuilder {
    let accepted = if document.starts_with("subscription") {
        "text/event-stream"
    } else {
        "application/json"
    };
    reqwest::Client::new()
        .post(format!("{}/graphql", up.ready().url))
        .bearer_auth(token)
        .header("accept", accepted)
        .json(&json!({ "query": document }))
}

/// The processes of Postgres that wait for a lock on behalf of a client.
async fn waiting(database: &PgPool) -> Vec<u32> {
    let pids: Vec<i32> = sqlx::query_scalar(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' and application_name not in \
         ('clustergenie relay', 'clustergenie consumers', 'clustergenie probes')",
    )
    .fetch_all(database)
    .await
    .unwrap();
    pids.into_iter()
        .map(|pid| pid.try_into().unwrap())
        .collect()
}
