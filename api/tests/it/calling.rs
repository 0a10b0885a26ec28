//! The schema over a whole platform, and callers of it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use api::graph::answer::Answer;
use api::graph::readiness::{Part, PartState, Readiness};
use api::graph::request::RequestInfo;
use api::graph::services::Services;
use api::identity::principal::Principal;
use api::identity::roles::Role;
use api::pipeline::{Carries, Executor, Pipeline, Request, Rules, Started};
use api::schema;
use chrono::{DateTime, TimeDelta, Utc};
use commands::token::Token;
use domain::ids::OrgId;
use futures_util::{Stream, StreamExt, stream};
use projections::operations::Operations;
use serde_json::{Value, json};
use testkit::platform::TestPlatform;

/// The schema over a platform of its own.
pub(crate) struct TestApi {
    pub(crate) platform: TestPlatform,
    pipeline: Pipeline,
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Caller {
    pipeline: Pipeline,
    principal: Principal,
    consistent_with: Option<Token>,
}

/// What a subscription delivers.
pub(crate) type Payloads = Pin<Box<dyn Stream<Item = Value> + Send>>;

impl TestApi {
    pub(crate) async fn start() -> Self {
        Self::with(Rules::default()).await
    }

    pub(crate) async fn with(rules: Rules) -> Self {
        Self::over(TestPlatform::start().await, rules)
    }

    /// Where one waits only so long for what was written.
    pub(crate) async fn with_patience(patience: Duration) -> Self {
        Self::over(
            TestPlatform::with_patience(patience).await,
            Rules::default(),
        )
    }

    fn over(platform: TestPlatform, rules: Rules) -> Self {
        let services = Services {
            commands: platform.commands.clone(),
            reader: platform.reader.clone(),
            consistency: platform.consistency.clone(),
            changes: platform.changes.clone(),
            operating: Operations::new(platform.pool(), projections::consumers()),
            operators: Some(OrgId::parse("acme").expect("tests name organizations well")),
            readiness: Arc::new(Fixed),
        };
        let pipeline = schema::build(services, rules);
        Self { platform, pipeline }
    }

    /// Executes what servers are asked.
    pub(crate) fn pipeline(&self) -> Pipeline {
        self.pipeline.clone()
    }

    /// Somebody of the organization `acme`.
    pub(crate) fn caller(&self, roles: &[Role]) -> Caller {
        self.caller_of("acme", roles)
    }

    pub(crate) fn caller_of(&self, org: &str, roles: &[Role]) -> Caller {
        Caller {
            pipeline: self.pipeline.clone(),
            principal: Principal {
                subject: "ada".to_owned(),
                org: OrgId::parse(org).expect("tests name organizations well"),
                roles: roles.iter().copied().collect(),
                credential: None,
                expires_at: now() + TimeDelta::hours(1),
            },
            consistent_with: None,
        }
    }

    /// Executes without a token.
    pub(crate) async fn anonymous(&self, document: &str) -> Value {
        let request = request(document, Value::Null, None);
        json_of(&self.pipeline.execute(request).await)
    }
}

impl Caller {
    /// The same caller with a token that ends at another time.
    pub(crate) fn until(mut self, expires_at: DateTime<Utc>) -> Self {
        self.principal.expires_at = expires_at;
        self
    }

    /// The same caller with requests that must show the write of a token.
    pub(crate) fn showing(&self, token: &str) -> Self {
        let token = token.parse().expect("tests send a token");
        Self {
            consistent_with: Some(token),
            ..self.clone()
        }
    }

    /// The whole response.
    pub(crate) async fn response(&self, document: &str, variables: Value) -> Value {
        let request = self.request(document, variables);
        json_of(&self.pipeline.execute(request).await)
    }

    /// The data of a response without errors.
    pub(crate) async fn data(&self, document: &str, variables: Value) -> Value {
        let mut response = self.response(document, variables).await;
        assert_eq!(response.get("errors"), None, "{document}");
        response["data"].take()
    }

    /// The code of the one error of a response.
    pub(crate) async fn code(&self, document: &str, variables: Value) -> String {
        let response = self.response(document, variables).await;
        code_of(&response)
    }

    /// The payload of a mutation with one input.
    pub(crate) async fn mutate(&self, field: &str, input: Value) -> Value {
        self.data(&mutation(field, ""), json!({ "input": input }))
            .await[field]
            .take()
    }

    /// The payload of a mutation that is not refused.
    pub(crate) async fn done(&self, field: &str, input: Value) -> Value {
        let payload = self.mutate(field, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{field}");
        assert!(payload["consistencyToken"].is_string(), "{field}");
        payload
    }

    /// Provisions a droplet of an agent; gives its id.
    pub(crate) async fn droplet(&self, name: &str) -> String {
        let input = json!({
            "name": name, "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
            "provisioner": "AGENT",
        });
        let mut payload = self.done("provisionDroplet", input).await;
        text(payload["droplet"]["id"].take())
    }

    /// Submits a job of an agent for a droplet; gives its id.
    pub(crate) async fn job(&self, droplet: &str) -> String {
        let input = json!({
            "kind": "batch", "target": { "droplet": droplet }, "runner": "AGENT",
        });
        let mut payload = self.done("submitJob", input).await;
        text(payload["job"]["id"].take())
    }

    pub(crate) fn subscribe(&self, document: &str, variables: Value) -> Payloads {
        let request = self.request(document, variables);
        let answers = match self.pipeline.start(request) {
            Started::Refused(answer) => stream::iter([answer]).boxed(),
            Started::One(answer) => stream::once(answer).boxed(),
            Started::Many(answers) => answers,
        };
        Box::pin(answers.map(|answer| json_of(&answer)))
    }

    fn request(&self, document: &str, variables: Value) -> Request {
        let mut info = RequestInfo::now(self.principal.clone(), None);
        info.consistent_with.clone_from(&self.consistent_with);
        request(document, variables, Some(info))
    }
}

/// A request that may do everything that its token allows.
pub(crate) fn request(document: &str, variables: Value, info: Option<RequestInfo>) -> Request {
    let variables = match variables {
        Value::Object(_) => serde_json::from_value(variables).expect("is an object"),
        Value::Null => Default::default(),
        other => panic!("no variables: {other}"),
    };
    Request {
        query: document.to_owned(),
        operation_name: None,
        variables,
        extensions: Default::default(),
        carries: Carries::Everything,
        info,
    }
}

/// A document for one mutation; `directive` stands behind the field.
pub(crate) fn mutation(field: &str, directive: &str) -> String {
    let mut name = field.to_owned();
    name[..1].make_ascii_uppercase();
    let node = if field.contains("Job") {
        "job { id kind status percent message worker runner result reason version createdAt }"
    } else if field.contains("Cluster") {
        "cluster { id name status description minimumNodes maximumNodes version createdAt }"
    } else {
        "droplet { id name status tags protected version createdAt updatedAt failureReason \
         addresses { kind ip } }"
    };
    format!(
        "mutation ($input: {name}Input!) {{ {field}(input: $input) {directive} {{ \
         {node} consistencyToken userErrors {{ field message code }} }} }}"
    )
}

/// The code of the one error of a response.
#[track_caller]
pub(crate) fn code_of(response: &Value) -> String {
    let errors = response["errors"].as_array();
    let errors = errors.unwrap_or_else(|| panic!("no error in {response}"));
    assert_eq!(errors.len(), 1, "{response}");
    text(errors[0]["extensions"]["code"].clone())
}

/// The JSON of an answer.
pub(crate) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("answers are JSON")
}

#[track_caller]
pub(crate) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => panic!("no text: {other}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are an edge: time enters here"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

struct Fixed;

impl Readiness for Fixed {
    fn parts(&self) -> Vec<Part> {
        let part = |name, state| Part { name, state };
        vec![
            part("postgres", PartState::Ready),
            part("relay", PartState::NotReady("it is starting".to_owned())),
        ]
    }
}
