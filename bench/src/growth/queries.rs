//! Every kind of query that the API has, each with its document.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};

use crate::http::Connection;
use crate::latencies::percentile;
use crate::servers::Server;

/// The least number of requests of a measurement.
const LEAST: usize = 10;

const DROPLET: &str = "nodes { id name status createdAt updatedAt }";
const JOB: &str = "nodes { id kind status createdAt updatedAt }";
const LINE: &str = "nodes { position kindName actor summary }";
const EVENT: &str = "nodes { position typeName version actor data }";
const COMMAND: &str = "nodes { commandId name outcome actor }";

/// A query with the number of items that its answer has.
pub(super) struct Query {
    pub(super) name: &'static str,
    document: String,
    /// The list in the answer, and its number of items; or a resource.
    answer: Answer,
}

enum Answer {
    Items(&'static str, usize),
    /// At most so many items: a page that looks at a bounded number of rows may have fewer, and a next page.
    AtMost(&'static str, usize),
    Resource(&'static str),
}

/// Returns all kinds of queries. `droplet` is the id of a live one.
pub(super) fn all(droplet: &str) -> Vec<Query> {
    let list = |name, field: &'static str, arguments: &str, selection: &str, items| Query {
        name,
        document: format!("{{ {field}({arguments}) {{ {selection} }} }}"),
        answer: Answer::Items(field, items),
    };
    let few = |name, field: &'static str, arguments: &str, selection: &str, items| Query {
        answer: Answer::AtMost(field, items),
        ..list(name, field, arguments, selection, items)
    };
    let resource = |name, field: &'static str, arguments: &str, selection: &str| Query {
        name,
        document: format!("{{ {field}{arguments} {{ {selection} }} }}"),
        answer: Answer::Resource(field),
    };
    let id = json!(droplet).to_string();
    let counted = |selection: &str| format!("totalCount {selection}");
    vec![
        list("droplets", "droplets", "first: 50", DROPLET, 10),
        list(
            "droplets, totalCount",
            "droplets",
            "first: 50",
            &counted(DROPLET),
            10,
        ),
        list(
            "droplets, ACTIVE",
            "droplets",
            "first: 50, filter: { statuses: [ACTIVE] }",
            DROPLET,
            10,
        ),
        list(
            "droplets, DELETED",
            "droplets",
            "first: 50, filter: { statuses: [DELETED] }",
            DROPLET,
            50,
        ),
        list(
            "droplets, part of a name",
            "droplets",
            "first: 50, filter: { name: \"web\" }",
            DROPLET,
            10,
        ),
        list(
            "droplets, tag",
            "droplets",
            "first: 50, filter: { tags: [\"env:prod\"] }",
            DROPLET,
            10,
        ),
        list(
            "droplets by UPDATED_AT",
            "droplets",
            "first: 50, orderBy: { field: UPDATED_AT, direction: DESCENDING }",
            DROPLET,
            10,
        ),
        list(
            "droplets by NAME",
            "droplets",
            "first: 50, orderBy: { field: NAME, direction: ASCENDING }",
            DROPLET,
            10,
        ),
        list(
            "droplets with jobs",
            "droplets",
            "first: 50",
            "nodes { id jobs(first: 3) { nodes { id } } }",
            10,
        ),
        resource(
            "droplet",
            "droplet",
            &format!("(id: {id})"),
            "id name status",
        ),
        resource(
            "dropletByName",
            "dropletByName",
            "(name: \"web-5\")",
            "id name status",
        ),
        list("jobs", "jobs", "first: 50", JOB, 50),
        list(
            "jobs, RUNNING",
            "jobs",
            "first: 50, filter: { statuses: [RUNNING] }",
            JOB,
            10,
        ),
        list(
            "jobs, RUNNING, totalCount",
            "jobs",
            "first: 50, filter: { statuses: [RUNNING] }",
            &counted(JOB),
            10,
        ),
        list(
            "jobs, rare kind",
            "jobs",
            "first: 50, filter: { kinds: [\"seldom\"] }",
            JOB,
            10,
        ),
        list(
            "jobs of a droplet",
            "jobs",
            &format!("first: 50, filter: {{ droplet: {id} }}"),
            JOB,
            1,
        ),
        list(
            "jobs by UPDATED_AT",
            "jobs",
            "first: 50, orderBy: { field: UPDATED_AT, direction: DESCENDING }",
            JOB,
            50,
        ),
        list(
            "clusters",
            "clusters",
            "first: 50",
            "nodes { id name status }",
            50,
        ),
        list("activity", "activity", "first: 50", LINE, 50),
        few(
            "activity, rare kind",
            "activity",
            "first: 50, filter: { kinds: [DROPLET_PROVISIONING_FAILED] }",
            LINE,
            10,
        ),
        few(
            "activity, rare actor",
            "activity",
            "first: 50, filter: { actor: \"seldom\" }",
            LINE,
            10,
        ),
        list(
            "activity, resource",
            "activity",
            &format!("first: 50, filter: {{ resource: {id} }}"),
            LINE,
            1,
        ),
        few(
            "activity, period",
            "activity",
            "first: 10, filter: { until: \"2026-02-01T00:01:00Z\" }",
            LINE,
            10,
        ),
        list("events", "events", "first: 50", EVENT, 50),
        list("events, last", "events", "last: 50", EVENT, 50),
        list(
            "events, rare type",
            "events",
            "first: 50, filter: { types: [DROPLET_ACTIVATED] }",
            EVENT,
            0,
        ),
        list(
            "events, rare actor",
            "events",
            "last: 50, filter: { actor: \"nobody\" }",
            EVENT,
            0,
        ),
        list(
            "events, resource",
            "events",
            &format!("first: 50, filter: {{ resource: {id} }}"),
            EVENT,
            1,
        ),
        list("commands", "commands", "first: 50", COMMAND, 50),
        few(
            "commands, REJECTED",
            "commands",
            "first: 50, filter: { outcomes: [REJECTED] }",
            COMMAND,
            10,
        ),
        resource(
            "counts",
            "counts",
            "",
            "dropletsByStatus { status count } jobsByStatus { status count }",
        ),
    ]
}

/// A connection to a server, with the token of its requests.
pub(super) struct Client {
    connection: Connection,
    address: SocketAddr,
    token: String,
}

impl Client {
    /// Opens the connection.
    ///
    /// # Errors
    /// When the server does not accept it.
    pub(super) async fn open(server: Server, token: String) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port));
        let connection = Connection::open(address).await?;
        Ok(Self {
            connection,
            address,
            token,
        })
    }

    /// Sends the query again and again, one at a time. Returns the median of the latencies in milliseconds.
    ///
    /// # Errors
    /// When an answer has errors, or another number of items than the query has.
    pub(super) async fn measure(&mut self, query: &Query, length: Duration) -> anyhow::Result<f64> {
        let request = self.request(&query.document);
        let answer = self.connection.exchange(request.as_bytes()).await?;
        query.check(answer.body)?;
        let size = answer.body.len();
        let started = Instant::now();
        let mut times = Vec::new();
        while times.len() < LEAST || started.elapsed() < length {
            let sent = Instant::now();
            let answer = self.connection.exchange(request.as_bytes()).await?;
            times.push(sent.elapsed());
            ensure!(
                answer.status == 200 && answer.body.len() == size,
                "{} is answered differently",
                query.name
            );
        }
        times.sort_unstable();
        Ok(percentile(&times, 50))
    }

    fn request(&self, document: &str) -> String {
        let body = json!({ "query": document }).to_string();
        format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             accept: application/json\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )
    }
}

impl Query {
    fn check(&self, body: &[u8]) -> anyhow::Result<()> {
        let answer: Value = serde_json::from_slice(body)?;
        let is_right = match self.answer {
            Answer::Items(field, items) => found(&answer, field) == Some(items),
            Answer::AtMost(field, items) => {
                found(&answer, field).is_some_and(|found| found <= items)
            }
            Answer::Resource(field) => answer["data"][field].is_object(),
        };
        ensure!(
            is_right && answer["errors"].is_null(),
            "{} is answered wrongly: {answer}",
            self.name
        );
        Ok(())
    }
}

fn found(answer: &Value, field: &str) -> Option<usize> {
    answer["data"][field]["nodes"].as_array().map(Vec::len)
}
