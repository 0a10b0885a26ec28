//! Made-up traces, how they are loaded, and what they must end in.

use std::ffi::OsStr;

use bench::trace_load::{self, TraceLoad};
use clap::Parser;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::program::Folder;

/// The file of a made-up trace in a test's folder.
pub(crate) const FILE: &str = "made-up.csv";

/// Loads the folder's trace into the organization of the ready token, as `bench trace load --json` does, and
/// gives the closing table. The load must end well.
pub(crate) async fn load(folder: &Folder, url: &str, settings: &[&str]) -> Value {
    let (file, data) = (folder.path(FILE), folder.data());
    let mut arguments = vec!["load", "--json", "--url", url];
    arguments.extend(settings);
    let arguments = arguments.iter().map(AsRef::<OsStr>::as_ref);
    let paths = [file.as_os_str(), "--data".as_ref(), data.as_os_str()];
    let settings = TraceLoad::try_parse_from(arguments.chain(paths)).unwrap();
    let mut printed = Vec::new();
    trace_load::load(settings, &mut printed, &CancellationToken::new())
        .await
        .unwrap();
    serde_json::from_slice(&printed).unwrap()
}

/// A trace with so many tasks of each way to end: succeeded, failed, never scheduled, evicted, and
/// running at the end.
pub(crate) fn trace(of_each: usize) -> String {
    let mut lines = vec![
        "name,cpu_milli,memory_mib,num_gpu,qos,pod_phase,creation_time,deletion_time,scheduled_time"
            .to_owned(),
    ];
    for task in 0..of_each {
        let (created, scheduled, deleted, end) = (task, task + 1, task + 5, of_each + 10);
        let cpu = 500 * (1 + task % 20);
        let memory = 512 << (task % 8);
        let resources = format!("{cpu},{memory},0");
        lines.extend([
            format!("done-{task},{resources},LS,Succeeded,{created},{deleted},{scheduled}"),
            format!("broken-{task},{resources},BE,Failed,{created},{deleted},{created}"),
            format!("never-{task},{resources},Burstable,Pending,{created},{deleted},"),
            format!("evicted-{task},{resources},LS,Running,{created},{deleted},{scheduled}"),
            format!("running-{task},{resources},Guaranteed,Running,{created},{end},{scheduled}"),
        ]);
    }
    lines.join("\n")
}

/// What `trace load --json` must count after that trace.
pub(crate) fn end(of_each: usize) -> (Value, Value) {
    let droplets = json!({
        "ACTIVE": of_each, "DELETED": 3 * of_each, "DELETING": 0, "FAILED": of_each, "REQUESTED": 0,
    });
    let jobs = json!({
        "CANCELLED": 2 * of_each, "FAILED": of_each, "RUNNING": of_each, "SUBMITTED": 0,
        "SUCCEEDED": of_each,
    });
    (droplets, jobs)
}
