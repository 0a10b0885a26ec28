//! Reads by token: a client that wrote through one process asks another, which must show the write.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::Serialize;
use serde_json::json;

use crate::{api::Api, difference::Differences, token::Place};

const PATIENCE: Duration = Duration::from_secs(12);

/// How reads by token went.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadTally {
    /// Showed the write.
    pub(crate) fresh: u64,
    /// Said that it cannot be shown yet, which is honest.
    pub(crate) not_yet: u64,
    /// Had no answer.
    pub(crate) failed: u64,
    /// Did not show the write: each is a difference.
    pub(crate) stale: u64,
}

/// Reads by token; clones share the tally.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    api: Arc<Api>,
    tally: Arc<Mutex<ReadTally>>,
    differences: Differences,
}

impl Reads {
    /// None was done yet.
    pub(crate) fn new(api: Arc<Api>, differences: Differences) -> Self {
        let tally = Arc::default();
        Self {
            api,
            tally,
            differences,
        }
    }

    /// How they went so far.
    pub(crate) fn tally(&self) -> ReadTally {
        *self.tally.lock().expect("no holder panics")
    }

    /// Reads what a command of this field wrote.
    pub(crate) async fn read(&self, process: usize, field: &str, token: &str, written: Place) {
        let (node, kind) = if field.ends_with("Job") || field == "reportJobProgress" {
            ("job", "Job")
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
            Err(code) if code == "NOT_YET_CONSISTENT" => tally.not_yet += 1,
            Err(_) => tally.failed += 1,
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
}
