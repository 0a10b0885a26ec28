//! Checks the clients' commands: acknowledged ones took effect exactly once, refused ones not at all, others
//! at most once. Checks that every event belongs to a command.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::history::{Event, History};
use crate::difference::Differences;
use crate::ledger::{Answer, Effect, Record, Verdict};
use crate::token;

const CHECK: &str = "commands";

/// Checks the ledger of all clients.
pub(crate) fn check(records: &[Record], history: &History, differences: &Differences) {
    let mut by_trace: HashMap<&str, Vec<&Event>> = HashMap::new();
    for event in history.events.iter().filter(|event| event.from_api) {
        let trace = event.trace.as_deref().unwrap_or_default();
        by_trace.entry(trace).or_default().push(event);
    }
    let asked: HashSet<&str> = records.iter().map(|r| r.command.trace.as_str()).collect();
    for (trace, events) in &by_trace {
        if !asked.contains(trace) {
            let what = format!("nobody asked for {} (trace `{trace}`)", named(events[0]));
            differences.note(CHECK, what);
        }
    }
    for record in records {
        let events = by_trace.get(record.command.trace.as_str());
        let events = events.map(Vec::as_slice).unwrap_or_default();
        for what in faults(record, events) {
            let command = &record.command;
            let what = format!("{} with key {}: {what}", command.field, command.key);
            differences.note(CHECK, what);
        }
    }
}

/// The differences of a command, given the events that carry its trace.
fn faults(record: &Record, events: &[&Event]) -> Vec<String> {
    let mut faults = Vec::new();
    for attempt in &record.attempts {
        if let Answer::Wrong { why } = &attempt.answer {
            faults.push(format!("API process {} answered {why}", attempt.api));
        }
    }
    let runs: BTreeSet<&str> = events.iter().map(|event| event.command.as_str()).collect();
    if runs.len() > 1 {
        faults.push(format!(
            "it took effect {} times: {}",
            runs.len(),
            all_named(events)
        ));
    }
    match record.verdict() {
        Verdict::Acknowledged { token } => {
            faults.extend(answers_differ(record, &token));
            faults.extend(not_as_acknowledged(record, &token, events));
        }
        Verdict::Refused if !events.is_empty() => {
            faults.push(format!("it was refused and left {}", all_named(events)));
        }
        Verdict::Refused | Verdict::Unknown => {}
    }
    faults
}

/// The answers that differ from the first acknowledgement: another token, or a later refusal.
fn answers_differ(record: &Record, token: &str) -> Vec<String> {
    let is_done = |answer: &Answer| matches!(answer, Answer::Acknowledged { .. });
    let told = record
        .attempts
        .iter()
        .filter(|attempt| is_done(&attempt.answer));
    let told = told.map(|attempt| attempt.ended).min().unwrap_or(u64::MAX);
    let mut faults = Vec::new();
    for attempt in &record.attempts {
        match &attempt.answer {
            Answer::Acknowledged { token: other } if other != token => {
                faults.push(format!(
                    "it was answered with the tokens {token} and {other}"
                ));
            }
            Answer::Refused { codes } if attempt.sent > told => {
                faults.push(format!(
                    "it was acknowledged, sent again and refused: {codes:?}"
                ));
            }
            _ => {}
        }
    }
    faults
}

fn not_as_acknowledged(record: &Record, token: &str, events: &[&Event]) -> Option<String> {
    let Some(places) = token::places(token) else {
        return Some(format!("its token cannot be read: {token}"));
    };
    if record.command.effect == Effect::Nothing {
        return (!events.is_empty())
            .then(|| format!("there was nothing to do, and it left {}", all_named(events)));
    }
    let told: BTreeMap<_, _> = places.iter().map(|p| (p.stream, p.version)).collect();
    let mut found = BTreeMap::new();
    for event in events {
        let version = found.entry(event.stream).or_insert(0);
        *version = event.version.max(*version);
    }
    if told != found {
        return Some(format!(
            "its token names {told:?}, and what it recorded is {}",
            all_named(events)
        ));
    }
    let expected = event_of(record.command.field);
    let happened = events.iter().any(|event| event.kind == expected);
    (!happened).then(|| format!("no {expected} is among {}", all_named(events)))
}

/// The event that a mutation records.
fn event_of(field: &str) -> &'static str {
    match field {
        "provisionDroplet" => "droplet_requested",
        "renameDroplet" => "droplet_renamed",
        "tagDroplet" => "droplet_tagged",
        "untagDroplet" => "droplet_untagged",
        "protectDroplet" => "droplet_protected",
        "unprotectDroplet" => "droplet_unprotected",
        "deleteDroplet" => "droplet_deletion_requested",
        "reportDropletActive" => "droplet_activated",
        "reportDropletFailed" => "droplet_provisioning_failed",
        "reportDropletDeleted" => "droplet_deleted",
        "createCluster" => "cluster_created",
        "renameCluster" => "cluster_renamed",
        "setClusterNodeLimits" => "cluster_node_limits_changed",
        "startClusterMaintenance" => "cluster_maintenance_started",
        "endClusterMaintenance" => "cluster_maintenance_ended",
        "deleteCluster" => "cluster_deleted",
        "submitJob" => "job_submitted",
        "startJob" => "job_started",
        "reportJobProgress" => "job_progressed",
        "succeedJob" => "job_succeeded",
        "failJob" => "job_failed",
        "cancelJob" => "job_cancelled",
        _ => "an event that is known",
    }
}

fn named(event: &Event) -> String {
    let Event {
        kind,
        stream,
        version,
        position,
        command,
        ..
    } = event;
    let position = position.map_or("no position".to_owned(), |p| format!("position {p}"));
    format!("{kind} ({stream} version {version}, {position}, command {command})")
}

fn all_named(events: &[&Event]) -> String {
    if events.is_empty() {
        return "nothing".to_owned();
    }
    let names: Vec<_> = events.iter().map(|event| named(event)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::Value;

    use super::super::history::tests::event;
    use super::*;
    use crate::ledger::{Attempt, Command};

    fn token(version: i64) -> String {
        let stream = uuid::Uuid::from_u128(1).simple();
        URL_SAFE_NO_PAD.encode(format!("3;{stream};0:{stream}:{version}"))
    }

    fn acknowledged(version: i64) -> Answer {
        let token = token(version);
        Answer::Acknowledged { token }
    }

    fn tag(position: i64, answers: Vec<Answer>) -> Record {
        let command = Command {
            key: format!("key-{position}"),
            trace: format!("trace-{position}"),
            field: "tagDroplet",
            input: Value::Null,
            effect: Effect::Events,
        };
        let times = (0..).step_by(10);
        let attempts = answers
            .into_iter()
            .zip(times)
            .map(|(answer, sent)| Attempt {
                api: 0,
                sent,
                ended: sent + 5,
                answer,
            });
        Record {
            command,
            attempts: attempts.collect(),
        }
    }

    fn found(record: Record, events: Vec<Event>) -> Vec<String> {
        let differences = Differences::default();
        check(&[record], &History { events }, &differences);
        differences
            .all()
            .into_iter()
            .map(|found| found.what)
            .collect()
    }

    #[test]
    fn an_acknowledged_command_must_be_there_once() {
        let good = event(7, 1, 2, "droplet_tagged");
        assert!(found(tag(7, vec![acknowledged(2)]), vec![good.clone()]).is_empty());
        assert_eq!(
            found(tag(7, vec![acknowledged(2)]), Vec::new()).len(),
            1,
            "lost"
        );
        let mut again = event(8, 1, 3, "droplet_tagged");
        again.trace.clone_from(&good.trace);
        let twice = found(tag(7, vec![acknowledged(2)]), vec![good.clone(), again]);
        assert!(twice[0].contains("took effect 2 times"), "{twice:?}");
        let other = event(7, 1, 2, "droplet_renamed");
        assert_eq!(
            found(tag(7, vec![acknowledged(2)]), vec![other]).len(),
            1,
            "another event"
        );
        assert_eq!(
            found(tag(7, vec![acknowledged(3)]), vec![good]).len(),
            1,
            "another version"
        );
    }

    #[test]
    fn a_refused_command_must_leave_nothing() {
        let refused = || Answer::Refused { codes: Vec::new() };
        assert!(found(tag(7, vec![refused()]), Vec::new()).is_empty());
        let left = vec![event(7, 1, 2, "droplet_tagged")];
        assert_eq!(found(tag(7, vec![refused()]), left.clone()).len(), 1);
        let after = vec![acknowledged(2), refused()];
        assert_eq!(
            found(tag(7, after), left).len(),
            1,
            "refused after it was acknowledged"
        );
    }

    #[test]
    fn what_nobody_knows_may_be_there_once() {
        let unknown = || vec![Answer::Unknown { why: String::new() }];
        let once = vec![event(7, 1, 2, "droplet_tagged")];
        assert!(found(tag(7, unknown()), Vec::new()).is_empty());
        assert!(found(tag(7, unknown()), once.clone()).is_empty());
        let mut twice = once;
        twice.push(Event {
            command: "other".to_owned(),
            ..twice[0].clone()
        });
        assert_eq!(found(tag(7, unknown()), twice).len(), 1);
    }

    #[test]
    fn other_answers_and_other_events_are_found() {
        let wrong = Answer::Wrong {
            why: "INTERNAL".to_owned(),
        };
        assert_eq!(found(tag(7, vec![wrong]), Vec::new()).len(), 1);
        let tokens = vec![acknowledged(2), acknowledged(3)];
        let there = vec![event(7, 1, 2, "droplet_tagged")];
        assert_eq!(found(tag(7, tokens), there).len(), 1);
        let stranger = vec![event(9, 1, 2, "droplet_tagged")];
        let unasked = found(tag(7, Vec::new()), stranger);
        assert!(unasked[0].contains("nobody asked"), "{unasked:?}");
    }
}
