//! Checks clusters along the history. No droplet joins a cluster that does not take it. No cluster is deleted
//! or made smaller while it has too many droplets. The counters at the end are those that follow from the
//! history.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::history::{Event, History};
use crate::difference::Differences;

const CHECK: &str = "clusters";

/// The number of live droplets of clusters, without those that have none.
pub(crate) type Counters = BTreeMap<String, i64>;

/// A cluster after some events.
#[derive(Debug, Default)]
struct Cluster {
    status: &'static str,
    maximum: i64,
    live_droplets: i64,
}

/// Reads the counters that the platform keeps.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn counters(connection: &mut PgConnection) -> anyhow::Result<Counters> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select key, count from es.counters where scope = 'live_droplets_of_cluster' and count <> 0",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Checks the history, and the counters at its end.
pub(crate) fn check(history: &History, counters: &Counters, differences: &Differences) {
    let mut clusters: HashMap<Uuid, Cluster> = HashMap::new();
    let mut cluster_of: HashMap<Uuid, Uuid> = HashMap::new();
    for event in &history.events {
        let id = match event.stream_type.as_str() {
            "cluster" => event.stream,
            "droplet" => match cluster_after(event, &mut cluster_of) {
                Some(id) => id,
                None => continue,
            },
            _ => continue,
        };
        let cluster = clusters.entry(id).or_default();
        for what in faults(event, cluster) {
            let Event { kind, position, .. } = event;
            let what = format!("{kind} at position {position:?}: cluster {id} {what}");
            differences.note(CHECK, what);
        }
    }
    let live = clusters
        .iter()
        .map(|(id, cluster)| (id.to_string(), cluster.live_droplets));
    let expected: Counters = live.filter(|(_, count)| *count != 0).collect();
    if *counters != expected {
        let what = format!("the counters are {counters:?} and by the events {expected:?}");
        differences.note(CHECK, what);
    }
}

/// The cluster of the event's droplet, if it has one.
fn cluster_after(event: &Event, cluster_of: &mut HashMap<Uuid, Uuid>) -> Option<Uuid> {
    if event.kind == "droplet_requested"
        && let Some(id) = event.data["cluster"].as_str()
    {
        cluster_of.insert(event.stream, id.parse().ok()?);
    }
    cluster_of.get(&event.stream).copied()
}

/// Applies an event to its cluster, and returns the rules that the event breaks.
fn faults(event: &Event, cluster: &mut Cluster) -> Vec<String> {
    let mut faults = Vec::new();
    match event.kind.as_str() {
        "cluster_created" | "cluster_node_limits_changed" => {
            cluster.maximum = event.data["limits"]["maximum"].as_i64().unwrap_or_default();
        }
        "droplet_requested" => {
            cluster.live_droplets += 1;
            if cluster.status != "ACTIVE" {
                faults.push(format!("has the status {:?}", cluster.status));
            }
        }
        "droplet_provisioning_failed" | "droplet_deleted" => cluster.live_droplets -= 1,
        _ => {}
    }
    if event.stream_type == "cluster" {
        cluster.status = event.status;
    }
    let maximum = match cluster.status {
        "DELETED" => 0,
        _ => cluster.maximum,
    };
    if cluster.live_droplets > maximum {
        let live = cluster.live_droplets;
        faults.push(format!("has {live} live droplets and may have {maximum}"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::history::tests::event;
    use super::*;

    const CLUSTER: u128 = 9;

    /// A history of a cluster that may have one droplet; each event is of a stream, with a version.
    fn found(events: &[(u128, i64, &str)], counted: i64) -> Vec<String> {
        let events = (1..)
            .zip(events)
            .map(|(position, (stream, version, kind))| {
                let cluster = Uuid::from_u128(CLUSTER).to_string();
                Event {
                    data: json!({ "cluster": cluster, "limits": { "maximum": 1 } }),
                    ..event(position, *stream, *version, kind)
                }
            });
        let history = History::folded(events.collect());
        let key = Uuid::from_u128(CLUSTER).to_string();
        let counters = [(key, counted)]
            .into_iter()
            .filter(|(_, count)| *count != 0);
        let differences = Differences::default();
        check(&history, &counters.collect(), &differences);
        let all = differences.all().into_iter();
        all.map(|difference| difference.what).collect()
    }

    #[test]
    fn a_history_by_the_rules_has_no_difference() {
        let events = [
            (CLUSTER, 1, "cluster_created"),
            (1, 1, "droplet_requested"),
            (1, 2, "droplet_provisioning_failed"),
            (2, 1, "droplet_requested"),
            (2, 2, "droplet_deletion_requested"),
            (2, 3, "droplet_deleted"),
            (CLUSTER, 2, "cluster_deleted"),
        ];
        assert_eq!(found(&events, 0), [""; 0]);
        assert_eq!(found(&events[..4], 1), [""; 0]);
    }

    #[test]
    fn every_broken_rule_is_found() {
        let created = (CLUSTER, 1, "cluster_created");
        let (one, two) = ((1, 1, "droplet_requested"), (2, 1, "droplet_requested"));
        let paused = (CLUSTER, 2, "cluster_maintenance_started");
        let deleted = (CLUSTER, 2, "cluster_deleted");
        assert_eq!(found(&[created, one, two], 2).len(), 1, "too many");
        assert_eq!(found(&[created, paused, one], 1).len(), 1, "in maintenance");
        assert_eq!(found(&[created, one, deleted], 1).len(), 1, "not empty");
        assert_eq!(
            found(&[created, deleted, one], 1).len(),
            2,
            "deleted, and too many"
        );
        assert_eq!(found(&[created, one], 2).len(), 1, "counted twice");
        assert_eq!(found(&[created, one], 0).len(), 1, "not counted");
    }
}
