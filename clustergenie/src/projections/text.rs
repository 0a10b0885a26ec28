//! Results as text, for people.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use event_store::consume::parked::ParkedStream;
use event_store::consume::retry::Retried;
use projections::status::{Building, ConsumerStatus, Failed, Stage, State};
use uuid::Uuid;

/// A table of all projections; below it, sentences about unusual ones.
pub(super) fn statuses(statuses: &[ConsumerStatus]) -> String {
    let mut rows = vec![
        [
            "NAME",
            "GENERATION",
            "STATE",
            "POSITION",
            "LAG",
            "PARKED",
            "SKIPPED",
            "BUILDING",
        ]
        .map(str::to_owned),
    ];
    let mut sentences = String::new();
    for status in statuses {
        let building = status.building.as_ref();
        rows.push([
            status.name.to_owned(),
            status.generation.to_string(),
            status.state.as_str().to_lowercase().replace('_', " "),
            status.position.0.to_string(),
            format!(
                "{} events, {:.1} s",
                status.lag_events,
                status.lag.as_secs_f64()
            ),
            status.parked_streams.to_string(),
            status.skipped_streams.to_string(),
            building.map_or_else(|| "-".to_owned(), |building| percent(building.share)),
        ]);
        for sentence in about(status) {
            let _ = writeln!(sentences, "{}: {sentence}", status.name);
        }
    }
    let table = table(&rows);
    if sentences.is_empty() {
        table
    } else {
        format!("{table}\n{sentences}")
    }
}

/// Sentences about the unusual states of a projection: paused, of another version, with a rebuild.
fn about(status: &ConsumerStatus) -> Vec<String> {
    let mut sentences = Vec::new();
    match &status.state {
        State::Following => {}
        State::Paused { by, reason, since } => {
            sentences.push(format!("paused by {by} at {}: {reason}", time(*since)));
        }
        State::OtherVersion { wanted } => sentences.push(format!(
            "version {} serves, this program has version {wanted}",
            status.version
        )),
    }
    if let Some(building) = &status.building {
        sentences.push(format!(
            "rebuild to generation {}, requested by {} at {} ({}): {}",
            building.generation,
            building.requested_by,
            time(building.since),
            building.reason,
            progress(building)
        ));
    }
    if let Some(failed) = &status.failed {
        sentences.push(format!(
            "the rebuild to generation {} failed at {}: {} (details: --json)",
            failed.generation,
            time(failed.at),
            fault(failed)
        ));
    }
    sentences
}

/// Progress of a rebuild.
pub(super) fn progress(building: &Building) -> String {
    match (building.stage, building.rest) {
        (Stage::Filling, Some(rest)) => format!(
            "{} filled, about {} until the comparison",
            percent(building.share),
            seconds(rest)
        ),
        (Stage::Filling, None) => format!("{} filled", percent(building.share)),
        (Stage::Comparing, _) => "filled, comparing every row with the log".to_owned(),
        (Stage::Switching, _) => "equal to the log, switching over".to_owned(),
    }
}

/// The result of a retry; `still` is the parked stream, if it is still parked.
pub(super) fn retried(stream: Uuid, retried: Retried, still: Option<&ParkedStream>) -> String {
    let Retried { applied, parked } = retried;
    match still {
        _ if parked == 0 => format!("{stream}: all {applied} events applied\n"),
        Some(still) => format!(
            "{}: {applied} events applied, {parked} still parked because of position {}: {}\n",
            stream_id(still),
            still.position,
            still.error
        ),
        // Another retry ran at the same time.
        None => format!("{stream}: {applied} events applied, {parked} were still parked then\n"),
    }
}

/// The reason for which a rebuild failed.
pub(super) fn fault(failed: &Failed) -> String {
    let parked = failed.report["parked"].as_array().map_or(0, Vec::len);
    if failed.differences == 0 && parked > 0 {
        "it could not apply events that the serving generation has applied".to_owned()
    } else {
        format!("{} rows differ from the log", failed.differences)
    }
}

/// A paragraph for each parked stream.
pub(super) fn parked(streams: &[(String, ParkedStream)]) -> String {
    if streams.is_empty() {
        return "no stream is parked\n".to_owned();
    }
    let mut text = String::new();
    for (projection, parked) in streams {
        let lines = [
            format!("{projection}  {}  of {}", stream_id(parked), parked.org_id),
            format!(
                "  event     {}, version {}, position {}",
                parked.event_type, parked.version, parked.position
            ),
            format!("  error     {}", parked.error),
            format!(
                "  attempts  {}, first {}, last {}",
                parked.attempts,
                time(parked.first_at),
                time(parked.last_at)
            ),
            format!("  waiting   {} later events", parked.waiting),
        ];
        let skipped = parked.skipped_by.as_ref().map(|by| {
            let reason = parked.skipped_because.as_deref().unwrap_or_default();
            format!("  skipped   by {by}: {reason}")
        });
        for line in lines.into_iter().chain(skipped) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// The id of a parked stream, as the API writes it.
pub(super) fn stream_id(parked: &ParkedStream) -> String {
    match parked.stream_type.info() {
        Some(aggregate) => format!("{}:{}", aggregate.type_name, parked.stream_id),
        None => format!("{}:{}", parked.stream_type, parked.stream_id),
    }
}

fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs().max(1))
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
