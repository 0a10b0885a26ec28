//! The cost of a typical request before any data is read: of a document that was never sent before, which is
//! parsed, measured, validated and planned, and of one that was.
//!
//! The schema has no services behind it, so requests are started and dropped.

use std::sync::Arc;

use api::admission::rate_limit::{Rate, Rates};
use api::graph::execute::schema::ExecutableSchema;
use api::graph::request::RequestInfo;
use api::identity::principal::Principal;
use api::identity::roles::Role;
use api::pipeline::{Carries, Executor, Pipeline, Request, Rules, Started};
use api::schema::Platform;
use chrono::DateTime;
use criterion::{BatchSize, Criterion};
use domain::ids::OrgId;
use serde_json::json;

/// Typical documents.
const DOCUMENTS: [(&str, &str); 4] = [
    ("smallest", "{ platform { version } }"),
    (
        "get by id",
        "query Droplet($id: ID!) { droplet(id: $id) { id name status sizeSlug vcpus memoryMib \
         regionSlug tags protected version createdAt updatedAt addresses { kind ip } } }",
    ),
    (
        "list of 50",
        "query Droplets($first: Int!, $after: String, $filter: DropletFilter) { \
         droplets(first: $first, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage \
         endCursor } edges { cursor node { ...Row } } } } fragment Row on Droplet { id name status \
         sizeSlug regionSlug tags protected version createdAt addresses { kind ip } }",
    ),
    (
        "mutation",
        "mutation Provision($input: ProvisionDropletInput!) { provisionDroplet(input: $input) \
         @idempotent(key: \"k\") { droplet { id name status version } consistencyToken userErrors { field \
         message code } } }",
    ),
];

pub(crate) fn measure(criterion: &mut Criterion) {
    let plenty = Rate {
        capacity: u32::MAX,
        per_second: u32::MAX,
    };
    let rules = Rules {
        rates: Rates {
            people: plenty,
            agents: plenty,
        },
        ..Rules::default()
    };
    let schema = Arc::new(ExecutableSchema::new::<Platform>());
    let pipeline = Pipeline::new(schema, Arc::new(()), rules);
    for (name, document) in DOCUMENTS {
        // A comment makes every document a new one.
        let mut unseen = (0..).map(|n| format!("{document}#{n}"));
        let mut start = |name: String, document: &mut dyn FnMut() -> String| {
            criterion.bench_function(&name, |bencher| {
                bencher.iter_batched(
                    || request(document()),
                    |request| {
                        let started = pipeline.start(request);
                        let is_refused = matches!(started, Started::Refused(_));
                        assert!(!is_refused, "a typical request is refused");
                    },
                    BatchSize::SmallInput,
                );
            });
        };
        start(format!("document: {name}, first"), &mut || {
            unseen.next().unwrap_or_default()
        });
        start(format!("document: {name}, again"), &mut || {
            document.to_owned()
        });
    }
}

fn request(document: String) -> Request {
    let principal = Principal {
        subject: "bench".to_owned(),
        org: OrgId::parse("bench").expect("it is a good name"),
        roles: [Role::Operator].into_iter().collect(),
        credential: None,
        expires_at: DateTime::UNIX_EPOCH,
    };
    let variables = json!({
        "id": "x", "first": 50,
        "input": {
            "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
        },
    });
    Request {
        query: document,
        operation_name: None,
        variables: serde_json::from_value(variables).expect("it is an object"),
        extensions: Default::default(),
        carries: Carries::Everything,
        info: Some(RequestInfo::now(principal, None)),
    }
}
