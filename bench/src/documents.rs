//! The cost of a typical document before any data is read. Measured without admission (parsed and validated
//! each time), at its first admission, and at a later one. The cost of validation, which runs each time, is
//! measured too.
//!
//! The schema has no services behind it, so each document ends at its first resolver. The cost of ordering an
//! answer is measured with a schema that returns an answer.

mod ordered;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::admission::entry::{Admission, Rules};
use api::admission::rate_limit::{Rate, Rates};
use api::graph::request::RequestInfo;
use api::identity::principal::Principal;
use api::identity::roles::Role;
use api::schema::{self, ApiSchema};
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
use async_graphql::{Request, ServerError, ValidationResult, Variables};
use chrono::DateTime;
use domain::ids::OrgId;
use serde_json::json;

use crate::cpu;

/// Runs of each document.
const ROUNDS: u32 = 5_000;

/// Typical documents.
const DOCUMENTS: [(&str, &str); 4] = [
    ("smallest", "{ platform { version } }"),
    (
        "get by id",
        "query Droplet($id: ID!) { droplet(id: $id) { id name status size vcpus memoryMib \
         region tags protected version createdAt updatedAt addresses { kind ip } } }",
    ),
    (
        "list of 50",
        "query Droplets($first: Int!, $after: String, $filter: DropletFilter) { \
         droplets(first: $first, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage \
         endCursor } edges { cursor node { ...Row } } } } fragment Row on Droplet { id name status \
         size region tags protected version createdAt addresses { kind ip } }",
    ),
    (
        "mutation",
        "mutation Provision($input: ProvisionDropletInput!) { provisionDroplet(input: $input) \
         @idempotent(key: \"k\") { droplet { id name status version } consistencyToken userErrors { field \
         message code } } }",
    ),
];

/// Prints microseconds of processor time per request.
///
/// # Errors
/// Never; benchmarks share a signature.
pub(crate) async fn run() -> anyhow::Result<()> {
    let bare = schema::builder().finish();
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
    let admission = Admission::new(rules);
    let validation = Validation::default();
    let gated = schema::builder().extension(admission.clone()).finish();
    let watched = schema::builder()
        .extension(admission)
        .extension(validation.clone())
        .finish();
    println!("    bare us    first us    again us  validation us  document");
    for (name, document) in DOCUMENTS {
        // A comment makes every document a new one.
        let mut unseen = (0..ROUNDS).map(|n| format!("{document}#{n}"));
        let without = measure(&bare, || document.to_owned()).await;
        let first = measure(&gated, || unseen.next().unwrap_or_default()).await;
        let again = measure(&gated, || document.to_owned()).await;
        validation.0.store(0, Ordering::Relaxed);
        measure(&watched, || document.to_owned()).await;
        let validating = Duration::from_nanos(validation.0.load(Ordering::Relaxed)) / ROUNDS;
        println!(
            "{:>11.1}  {:>10.1}  {:>10.1}  {:>13.1}  {name}",
            micros(without),
            micros(first),
            micros(again),
            micros(validating)
        );
    }
    ordered::run(ROUNDS).await
}

async fn measure(schema: &ApiSchema, mut document: impl FnMut() -> String) -> Duration {
    let requests: Vec<_> = (0..ROUNDS).map(|_| request(document())).collect();
    let before = cpu::used();
    for request in requests {
        std::hint::black_box(schema.execute(request).await);
    }
    (cpu::used() - before) / ROUNDS
}

fn request(document: String) -> Request {
    let principal = Principal {
        subject: "bench".to_owned(),
        org: OrgId::parse("bench").expect("it is a good name"),
        roles: [Role::Operator].into_iter().collect(),
        expires_at: DateTime::UNIX_EPOCH,
    };
    let variables = json!({
        "id": "x", "first": 50,
        "input": {
            "name": "web-1", "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64",
        },
    });
    Request::new(document)
        .variables(Variables::from_json(variables))
        .data(RequestInfo::now(principal, None))
}

/// Adds up the nanoseconds of validation.
#[derive(Clone, Default)]
struct Validation(Arc<AtomicU64>);

impl ExtensionFactory for Validation {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Extension for Validation {
    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let before = cpu::used();
        let validated = next.run(context).await;
        let nanos = (cpu::used() - before).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::Relaxed);
        validated
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}
