//! Queries with and without a token. A query with a token reads a write at another process, which must show
//! it. Queries without a token read lists, counts and activity, which must be answered in any state of the
//! read models.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::api::{Api, Failure};
use crate::difference::Differences;
use crate::random::Random;
use crate::token::Place;

/// Timeout of a query.
const PATIENCE: Duration = Duration::from_secs(12);

/// Queries without a token, of every read model.
const PLAIN: [&str; 6] = [
    "query { droplets(first: 20) { totalCount nodes { id status version } } }",
    "query { droplets(last: 10, orderBy: { field: NAME, direction: ASCENDING }) { nodes { name } } }",
    "query { clusters(first: 20) { totalCount nodes { id status version maximumNodes } } }",
    "query { jobs(first: 20) { totalCount nodes { id status percent } } }",
    "query { counts { dropletsByStatus { status count } dropletsByRegion { region count } \
     jobsByStatus { status count } jobsByKind { kind count } clustersByStatus { status count } } }",
    "query { activity(first: 20) { nodes { summary actor occurredAt } } }",
];

/// Outcomes of queries.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadTally {
    /// Queries that showed the write.
    pub(crate) fresh: u64,
    /// Queries answered with an allowed code that the write cannot be shown yet.
    pub(crate) not_yet: u64,
    /// Queries without an answer, or with a code after which a client may retry.
    pub(crate) failed: u64,
    /// Queries that did not show the write: each is a difference.
    pub(crate) stale: u64,
    /// Queries without a token that were answered.
    pub(crate) plain: u64,
    /// Queries without a token and without an answer, or with a code after which a client may retry.
    pub(crate) plain_failed: u64,
    /// Queries with an answer that no client should get: each is a difference.
    pub(crate) wrong: u64,
}

/// A client's queries; clones share the tally.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    api: Arc<Api>,
    tally: Arc<Mutex<ReadTally>>,
    differences: Differences,
}

impl Reads {
    /// Creates queries with an empty tally.
    pub(crate) fn new(api: Arc<Api>, differences: Differences) -> Self {
        let tally = Arc::default();
        Self {
            api,
            tally,
            differences,
        }
    }

    /// The outcomes so far.
    pub(crate) fn tally(&self) -> ReadTally {
        *self.tally.lock().expect("no holder panics")
    }

    /// Reads the write of a command of this mutation.
    pub(crate) async fn read(&self, process: usize, field: &str, token: &str, written: Place) {
        let (node, kind) = if field.ends_with("Job") || field == "reportJobProgress" {
            ("job", "Job")
        } else if field.contains("Cluster") {
            ("cluster", "Cluster")
        } else {
            ("droplet", "Droplet")
        };
        let query = format!(
            "query ($id: ID!, $token: String!) {{ \
             {node}(id: $id, consistentWith: $token) {{ version }} }}"
        );
        let id = format!("{kind}:{}", written.stream);
        let variables = json!({ "id": id, "token": token });
        let answer = self.api.ask(process, &query, variables, PATIENCE).await;
        let mut tally = self.tally.lock().expect("no holder panics");
        match answer {
            Err(Failure::Retryable { code }) if code == "NOT_YET_CONSISTENT" => tally.not_yet += 1,
            Err(Failure::NoAnswer | Failure::Retryable { .. }) => tally.failed += 1,
            Err(Failure::Wrong { why }) => {
                tally.wrong += 1;
                let what = format!(
                    "API process {process} answered the query of {id} with the token of version {} \
                     with {why}",
                    written.version
                );
                self.differences.note("reads by token", what);
            }
            Ok(data) => {
                let version = data[node]["version"].as_str();
                let version = version.and_then(|version| version.parse::<i64>().ok());
                if version >= Some(written.version) {
                    tally.fresh += 1;
                    return;
                }
                tally.stale += 1;
                let what = format!(
                    "{id} was written to version {}, and API process {process} showed {version:?} \
                     to a query with the token",
                    written.version
                );
                self.differences.note("reads by token", what);
            }
        }
    }

    /// Sends a query without a token.
    pub(crate) async fn plain(&self, random: &mut Random) {
        let process = random.below(self.api.processes());
        let query = random.one_of(&PLAIN);
        let answer = self.api.ask(process, query, json!({}), PATIENCE).await;
        let mut tally = self.tally.lock().expect("no holder panics");
        match answer {
            Ok(_) => tally.plain += 1,
            Err(Failure::NoAnswer | Failure::Retryable { .. }) => tally.plain_failed += 1,
            Err(Failure::Wrong { why }) => {
                tally.wrong += 1;
                let what = format!("API process {process} answered `{query}` with {why}");
                self.differences.note("queries", what);
            }
        }
    }
}
