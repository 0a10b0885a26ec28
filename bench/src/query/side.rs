//! A GraphQL server that is measured, and the requests for it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::data::Listed;
use super::documents::{Dialect, LISTED};
use super::settings::Work;
use crate::http::Connection;
use crate::servers::Server;
use crate::usage::Processes;

/// A GraphQL server with the arguments of its requests.
pub(super) struct Side {
    /// The name in reports.
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) process: Processes,
    dialect: Dialect,
    /// The token of requests, if the server wants one.
    token: Option<String>,
    /// The cursor and the id of each droplet, in the order of lists.
    arguments: Vec<Argument>,
}

struct Argument {
    cursor: String,
    id: String,
}

/// The requests of a work for a server: constant but for the argument.
pub(super) struct Call {
    work: Work,
    head: String,
    before: String,
    after: &'static str,
}

impl Side {
    /// Returns our server, with the token of a viewer.
    ///
    /// # Errors
    /// When the server does not tell its schema.
    pub(super) async fn ours(server: Server, token: String) -> anyhow::Result<Self> {
        let dialect = Dialect::Ours {
            droplet: BTreeSet::new(),
        };
        let mut side = Self::new("ours", server, dialect, Some(token));
        let fields = "{ type: __type(name: \"Droplet\") { fields { name } } }";
        let schema = side.ask(fields, json!({})).await?;
        let fields = schema["type"]["fields"].as_array();
        let fields = fields.context("the schema has no type Droplet")?;
        let names = fields.iter().filter_map(|field| field["name"].as_str());
        side.dialect = Dialect::Ours {
            droplet: names.map(ToOwned::to_owned).collect(),
        };
        Ok(side)
    }

    /// Returns a server of PostGraphile.
    pub(super) fn postgraphile(name: &'static str, server: Server) -> Self {
        Self::new(name, server, Dialect::PostGraphile, None)
    }

    fn new(name: &'static str, server: Server, dialect: Dialect, token: Option<String>) -> Self {
        Self {
            name,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, server.port)),
            process: Processes::One(server.process),
            dialect,
            token,
            arguments: Vec::new(),
        }
    }

    /// Pages through all droplets for the arguments of works.
    ///
    /// # Errors
    /// When the server lists other droplets than there are, or in another order.
    pub(super) async fn collect_arguments(&mut self, listed: &Listed) -> anyhow::Result<()> {
        let document = self.dialect.walk();
        let mut connection = Connection::open(self.address).await?;
        let mut arguments: Vec<Argument> = Vec::with_capacity(listed.ids.len());
        loop {
            let after = arguments.last().map(|argument| &argument.cursor);
            let request = self.request(&document, &json!({ "after": after }));
            let answer = connection.exchange(request.as_bytes()).await?;
            let mut answer: Value = serde_json::from_slice(answer.body)?;
            let edges = answer["data"]["droplets"]["edges"].take();
            let Value::Array(edges) = edges else {
                anyhow::bail!("{} lists no droplets: {answer}", self.name);
            };
            if edges.is_empty() {
                break;
            }
            for edge in edges {
                let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
                arguments.push(Argument {
                    cursor: text(&edge["cursor"]).context("an edge has no cursor")?,
                    id: text(&edge["node"]["id"]).context("a droplet has no id")?,
                });
            }
        }
        let ids = arguments.iter().map(|argument| bare(&argument.id));
        ensure!(
            ids.eq(listed.ids.iter()),
            "{} lists other droplets than there are",
            self.name
        );
        self.arguments = arguments;
        Ok(())
    }

    /// The number of different arguments, each of which has a full page after it.
    pub(super) fn choices(&self) -> usize {
        self.arguments.len().saturating_sub(LISTED)
    }

    /// The requests of a work; `None` if the server's schema lacks a field that the work needs.
    pub(super) fn call(&self, work: Work) -> Option<Call> {
        let document = self.dialect.document(work)?;
        let variable = Dialect::variable(work);
        Some(Call {
            work,
            head: self.head(),
            before: format!(
                "{{\"query\":{},\"variables\":{{\"{variable}\":\"",
                json!(document)
            ),
            after: "\"}}",
        })
    }

    /// Writes the bytes of a request with this argument.
    pub(super) fn write(&self, call: &Call, choice: usize, request: &mut String) {
        let Argument { cursor, id } = &self.arguments[choice];
        let argument = match call.work {
            Work::List | Work::ListJobs | Work::ListTotal => cursor,
            Work::ById => id,
        };
        let length = call.before.len() + argument.len() + call.after.len();
        request.clear();
        request.push_str(&call.head);
        write!(request, "content-length: {length}\r\n\r\n").expect("text can grow");
        request.push_str(&call.before);
        request.push_str(argument);
        request.push_str(call.after);
    }

    /// Sends a document on a connection of its own and returns the data of the answer.
    ///
    /// # Errors
    /// When the answer has errors.
    pub(super) async fn ask(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let mut connection = Connection::open(self.address).await?;
        let request = self.request(document, &variables);
        let answer = connection.exchange(request.as_bytes()).await?;
        let mut answer: Value = serde_json::from_slice(answer.body)?;
        ensure!(
            answer["errors"].is_null(),
            "{} refuses {document}: {answer}",
            self.name
        );
        Ok(answer["data"].take())
    }

    fn request(&self, document: &str, variables: &Value) -> String {
        let body = json!({ "query": document, "variables": variables }).to_string();
        format!(
            "{}content-length: {}\r\n\r\n{body}",
            self.head(),
            body.len()
        )
    }

    /// The head of a request, up to the length of the body.
    fn head(&self) -> String {
        let mut head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             accept: application/json\r\n",
            self.address
        );
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        head
    }
}

/// Returns the UUID of an id: ours have the type before it.
pub(super) fn bare(id: &str) -> &str {
    id.rsplit_once(':').map_or(id, |(_, uuid)| uuid)
}
