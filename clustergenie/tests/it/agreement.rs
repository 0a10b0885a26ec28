//! Four ways to count droplets and jobs, which must agree: the counts, the totals of connections, SQL on the
//! read models, and a fold of the log.

use std::collections::{BTreeMap, HashMap};

use domain::stream_type::StreamType;
use event_store::codec;
use event_store::envelope::{Position, Recorded};
use event_store::log;
use projections::droplets::Droplets;
use projections::droplets::row::DropletRow;
use projections::jobs::Jobs;
use projections::jobs::row::JobRow;
use projections::model::fold;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::program::Up;

/// Counts by status, without zeros.
type ByStatus = BTreeMap<String, i64>;

/// Checks that all four ways give the numbers of the closing table of a load.
pub(crate) async fn assert_all_agree(up: &Up, database: &PgPool, table: &Value) {
    let told = (by_status(&table["droplets"]), by_status(&table["jobs"]));
    assert_eq!(totals(up, &told).await, told, "the connections' totals");
    assert_eq!(rows(database).await, told, "the rows of the read models");
    assert_eq!(folded(database).await, told, "the log folded again");
}

fn by_status(counts: &Value) -> ByStatus {
    let counts: ByStatus = serde_json::from_value(counts.clone()).unwrap();
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

async fn totals(up: &Up, told: &(ByStatus, ByStatus)) -> (ByStatus, ByStatus) {
    let mut totals = Vec::new();
    for (connection, statuses) in [("droplets", &told.0), ("jobs", &told.1)] {
        let mut found = ByStatus::new();
        for status in statuses.keys() {
            let document = format!(
                "{{ found: {connection}(first: 1, filter: {{ statuses: [{status}] }}) {{ totalCount }} }}"
            );
            let total = up.query(&document).await["found"]["totalCount"].as_i64();
            found.insert(status.clone(), total.unwrap());
        }
        totals.push(found);
    }
    let jobs = totals.pop().unwrap();
    (totals.pop().unwrap(), jobs)
}

async fn rows(database: &PgPool) -> (ByStatus, ByStatus) {
    let droplets = "select status, count(*) from read_v1.droplets group by status";
    let jobs = "select status, count(*) from read_v1.jobs group by status";
    let droplets: Vec<(String, i64)> = sqlx::query_as(droplets).fetch_all(database).await.unwrap();
    let jobs: Vec<(String, i64)> = sqlx::query_as(jobs).fetch_all(database).await.unwrap();
    (droplets.into_iter().collect(), jobs.into_iter().collect())
}

async fn folded(database: &PgPool) -> (ByStatus, ByStatus) {
    let mut droplets: HashMap<Uuid, DropletRow> = HashMap::new();
    let mut jobs: HashMap<Uuid, JobRow> = HashMap::new();
    let mut after = Position::START;
    loop {
        let page = log::read(database, after, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.position;
        for stored in &page {
            let event: Recorded = codec::decode(&stored.event).unwrap();
            let id = event.stream.uuid;
            match event.stream.stream_type {
                StreamType::DROPLET => {
                    let row = fold::<Droplets>(droplets.remove(&id), &event).unwrap();
                    droplets.insert(id, row);
                }
                StreamType::JOB => {
                    let row = fold::<Jobs>(jobs.remove(&id), &event).unwrap();
                    jobs.insert(id, row);
                }
                unknown => panic!("the trace makes no {unknown}"),
            }
        }
    }
    let mut counts = (ByStatus::new(), ByStatus::new());
    for row in droplets.values() {
        *counts.0.entry(row.status.as_str().to_owned()).or_default() += 1;
    }
    for row in jobs.values() {
        *counts.1.entry(row.status.as_str().to_owned()).or_default() += 1;
    }
    counts
}
