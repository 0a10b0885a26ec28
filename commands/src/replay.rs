//! Decides recorded commands again, from the history alone, and compares the decisions.
//!
//! A record holds all that its decision rested on (`record.rs`). Each stream is read at the version that the
//! command read. So the same rules must give the same events, or the same rejection, whenever this is done. Records of
//! another version of the program are not compared: its rules may differ. Neither are those that no rule decided:
//! denied commands, conflicts, reused keys, counted floods.

mod registry;
mod verdict;

use domain::ids::OrgId;
use domain::stream_type::StreamType;
use event_store::audit::Audit;
use event_store::audit::finding::{Difference, Findings};
use event_store::envelope::{Metadata, StreamId, Version};
use event_store::error::StoreError;
use event_store::log;
use event_store::write::command::{self, CommandOutcome, PROGRAM, RecordedCommand};
use sqlx::PgPool;
use uuid::Uuid;

use crate::cache::Cache;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::record::Basis;
use crate::streams::Streams;
use verdict::{Verdict, judge};

/// The number of records that are read at a time.
const PAGE: i64 = 1_000;

/// Decides the recorded commands again, those whose stream has an id that `selects` lets through.
///
/// # Errors
/// When Postgres fails.
pub async fn check(
    audit: &Audit<'_>,
    selects: impl Fn(Uuid) -> bool,
) -> Result<Findings, StoreError> {
    let mut findings = Findings::default();
    // Records are read in the order of time, so each event of a stream is read about once.
    let cache = Cache::new();
    let (records, up_to) = command::estimate(audit.pool).await?;
    audit.progress.begin(records.unsigned_abs());
    let mut after = (String::new(), chrono::DateTime::UNIX_EPOCH, Uuid::nil());
    let (mut passed, mut of_others) = (0_u64, 0_u64);
    loop {
        let page = command::read(audit.pool, &after, up_to, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.place();
        passed += page.len() as u64;
        for record in page
            .iter()
            .filter(|record| record.stream_id.is_some_and(&selects))
        {
            if !is_decided_by_rules(record) {
                continue;
            }
            if record.program != PROGRAM {
                of_others += 1;
                continue;
            }
            findings.compared += 1;
            if let Some(difference) = differs(audit.pool, &cache, record).await? {
                findings.differ(1, difference);
            }
        }
        audit.progress.reached(passed);
    }
    audit_missing(audit, &mut findings).await?;
    if of_others > 0 {
        findings.note(format!(
            "{of_others} commands were decided by another version of the program, and are not decided again"
        ));
    }
    Ok(findings)
}

/// Looks for events whose command has no record, although commands were recorded by then.
async fn audit_missing(audit: &Audit<'_>, findings: &mut Findings) -> Result<(), StoreError> {
    let unrecorded = event_store::audit::commands::unrecorded(audit).await?;
    if let Some(first) = unrecorded.first {
        findings.differ(unrecorded.differences, first);
    }
    Ok(())
}

fn is_decided_by_rules(record: &RecordedCommand) -> bool {
    let by_key = ["INVALID_IDEMPOTENCY_KEY", "IDEMPOTENCY_KEY_REUSED"];
    record.times == 1
        && [
            CommandOutcome::Accepted,
            CommandOutcome::Unchanged,
            CommandOutcome::Rejected,
        ]
        .iter()
        .any(|outcome| record.outcome == outcome.as_str())
        && !record
            .rule
            .as_deref()
            .is_some_and(|rule| by_key.contains(&rule))
}

/// Decides one command again. Returns the difference, if there is one.
async fn differs(
    pool: &PgPool,
    cache: &Cache,
    record: &RecordedCommand,
) -> Result<Option<Difference>, StoreError> {
    let difference = |expected: String, found: String| Difference {
        stream: record.stream_id,
        place: Some(format!(
            "the command {} ({})",
            record.command_id, record.name
        )),
        expected,
        found,
        ..Difference::default()
    };
    let expected = match &record.rule {
        Some(rule) => format!("{} by {rule}", record.outcome),
        None => record.outcome.clone(),
    };
    let verdict = match decide_again(pool, cache, record).await? {
        Ok(verdict) => verdict,
        Err(fault) => return Ok(Some(difference(expected, fault))),
    };
    if verdict.outcome.as_str() != record.outcome || verdict.rule != record.rule {
        let found = match &verdict.rule {
            Some(rule) => format!("{} by {rule}", verdict.outcome.as_str()),
            None => verdict.outcome.as_str().to_owned(),
        };
        return Ok(Some(difference(expected, found)));
    }
    for (stream, before, decided) in verdict.appends {
        let stored = stored_events(pool, record, stream, before, decided.len()).await?;
        if stored != decided {
            return Ok(Some(difference(
                format!("the events {decided:?} after version {before}"),
                format!("{stored:?}"),
            )));
        }
    }
    Ok(None)
}

/// Returns the data of the events of a command after a version of a stream, at most `count`.
async fn stored_events(
    pool: &PgPool,
    record: &RecordedCommand,
    stream: StreamId,
    before: Version,
    count: usize,
) -> Result<Vec<String>, StoreError> {
    let events = log::read_versions(pool, stream, before, before.plus(count)).await?;
    let of_command = events.into_iter().filter(|event| {
        serde_json::from_str::<Metadata>(&event.metadata)
            .is_ok_and(|metadata| metadata.command_id.as_uuid() == record.command_id)
    });
    Ok(of_command.map(|event| event.data).collect())
}

/// Returns what the rules decide on a recorded command, or the reason why they cannot.
async fn decide_again(
    pool: &PgPool,
    cache: &Cache,
    record: &RecordedCommand,
) -> Result<Result<Verdict, String>, StoreError> {
    let unreadable = |error: serde_json::Error| format!("a record that cannot be read: {error}");
    let basis: Basis = match serde_json::from_str(&record.basis) {
        Ok(basis) => basis,
        Err(error) => return Ok(Err(unreadable(error))),
    };
    let metadata: Metadata = match serde_json::from_str(&record.metadata) {
        Ok(metadata) => metadata,
        Err(error) => return Ok(Err(unreadable(error))),
    };
    let context = context_of(record, metadata);
    let read = basis.read.iter().map(|(code, uuid, version)| {
        let stream = StreamId {
            stream_type: StreamType::new(*code),
            uuid: *uuid,
        };
        (stream, Version(*version))
    });
    let mut streams = Streams::as_recorded(pool, cache, &context.org, read.collect());
    let input = match serde_json::from_str(&record.input) {
        Ok(input) => input,
        Err(error) => return Ok(Err(unreadable(error))),
    };
    let ids = basis.ids.clone();
    let decided = registry::decide(&record.name, input, ids, &context, &mut streams).await;
    let decided = match decided {
        Ok(decided) => decided.and_then(Decision::within_bounds),
        Err(error) => return Ok(Err(unreadable(error))),
    };
    if streams.lacks_record() {
        return Ok(Err(
            "a decision that reads a state which neither record nor history has".to_owned(),
        ));
    }
    match decided {
        Ok(decision) => Ok(judge(&decision, record, basis.met.as_ref())),
        Err(CommandError::Rejected(rejected)) => Ok(Ok(Verdict::rejected(&rejected))),
        Err(CommandError::Unavailable(source)) => Ok(Err(format!("no decision: {source}"))),
        Err(
            error @ (CommandError::KeyReused
            | CommandError::Conflict
            | CommandError::OtherIncarnation),
        ) => Ok(Err(format!("no decision: {error}"))),
    }
}

fn context_of(record: &RecordedCommand, metadata: Metadata) -> Context {
    Context {
        org: OrgId::stored(record.org.clone()),
        actor: metadata.actor,
        credential: record.credential.clone(),
        command_id: metadata.command_id,
        correlation_id: metadata.correlation_id,
        causation_id: metadata.causation_id,
        traceparent: metadata.traceparent,
        source: metadata.source,
        occurred_at: metadata.occurred_at,
        idempotency_key: None,
    }
}
