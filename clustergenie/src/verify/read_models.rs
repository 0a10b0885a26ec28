//! The rows of a read model against a fresh fold of the log, and how far behind the log it is.

use std::time::Duration;

use anyhow::Context;
use event_store::audit::finding::{Difference, Findings};
use event_store::consume::consumer::Consumer;
use event_store::consume::generation;
use event_store::envelope::Position;
use projections::compare::{self, Comparison, Sample, compare};
use projections::status::{self, ConsumerStatus, State};
use sqlx::PgPool;

/// An event that was recorded longer ago and is in no row yet is a difference: a read model lags by
/// milliseconds, and by seconds while Kafka is away.
const LATE: Duration = Duration::from_mins(5);

/// What is counted is counted up to here in a shard (see `status.sql`).
const COUNTED: i64 = 10_000;

/// Compares the generation that serves, and looks for events that wait too long. Compares rows.
///
/// # Errors
/// When Postgres fails.
pub(super) async fn check(
    pool: &PgPool,
    projection: &dyn Consumer,
    sample: Sample,
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    compare_rows(pool, projection, sample, &mut findings).await?;
    // Only now: what is not applied after the comparison was not in it either.
    let status = status::of(pool, &[projection]).await;
    let status = status.context("how far it is cannot be looked up")?;
    for status in &status {
        tell_what_waits(&mut findings, status);
    }
    Ok(findings)
}

async fn compare_rows(
    pool: &PgPool,
    projection: &dyn Consumer,
    sample: Sample,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let Some((generation, version)) = generation::find_serving(pool, projection.name()).await?
    else {
        findings.note("it was never made");
        return Ok(());
    };
    if version != projection.version() {
        findings.note(format!(
            "version {version} serves, this program folds version {}: not compared",
            projection.version()
        ));
        return Ok(());
    }
    let compared = match compare(pool, projection, generation, sample).await {
        Ok(compared) => compared,
        // Another generation may have begun to serve, and the tables of this one are gone.
        Err(error) => match generation::find_serving(pool, projection.name()).await? {
            Some((now, _)) if now != generation => compare(pool, projection, now, sample).await?,
            _ => return Err(error.into()),
        },
    };
    take_in(findings, projection.name(), compared);
    Ok(())
}

/// Notes what was not applied yet. It is a difference when it waits for too long and nobody wanted that.
fn tell_what_waits(findings: &mut Findings, status: &ConsumerStatus) {
    if status.lag_events == 0 {
        return;
    }
    let mut note = format!(
        "applied up to position {}; {}{} events are not in it yet and were not compared",
        status.position,
        status.lag_events,
        if status.lag_events >= COUNTED {
            " or more"
        } else {
            ""
        },
    );
    if let State::Paused { by, reason, .. } = &status.state {
        note.push_str(&format!(", because {by} paused it: {reason}"));
    } else if status.lag > LATE {
        let late = Difference {
            position: Some(Position(status.position.0 + 1)),
            expected: format!("an event that is applied within {} minutes", minutes(LATE)),
            found: format!(
                "it was recorded {} minutes ago and is not applied: does `project` or `up` run, \
                 and what does its /readyz say?",
                minutes(status.lag)
            ),
            ..Difference::default()
        };
        findings.differ(1, late);
    }
    findings.note(note);
}

fn minutes(duration: Duration) -> u64 {
    duration.as_secs() / 60
}

fn take_in(findings: &mut Findings, projection: &str, compared: Comparison) {
    findings.compared = compared.rows;
    if let Some(first) = compared.first.into_iter().next() {
        findings.differ(compared.differences, difference(first));
        findings.note(format!(
            "`clustergenie projections rebuild {projection}` has it made anew from the log"
        ));
    }
    if !compared.left_out.is_empty() {
        findings.note(format!(
            "{} sums over streams and was left out of this sample",
            compared.left_out.join(", ")
        ));
    }
}

fn difference(row: compare::Difference) -> Difference {
    let or_none = |row: Option<String>| row.unwrap_or_else(|| "no such row".to_owned());
    Difference {
        place: Some(format!("{} with the key {}", row.table, row.key)),
        expected: or_none(row.expected),
        found: or_none(row.found),
        ..Difference::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(lag_events: i64, lag: Duration, state: State) -> ConsumerStatus {
        ConsumerStatus {
            name: "droplets",
            generation: 1,
            version: 1,
            state,
            position: Position(7),
            lag_events,
            lag,
            parked_streams: 0,
            skipped_streams: 0,
            building: None,
            failed: None,
        }
    }

    fn told(status: &ConsumerStatus) -> Findings {
        let mut findings = Findings::default();
        tell_what_waits(&mut findings, status);
        findings
    }

    #[test]
    fn what_waits_is_noted_and_what_waits_for_long_is_a_difference() {
        let at_the_end = told(&status(0, Duration::ZERO, State::Following));
        assert_eq!(at_the_end, Findings::default());

        let soon = told(&status(3, LATE, State::Following));
        assert_eq!(soon.differences, 0);
        assert_eq!(
            soon.notes,
            ["applied up to position 7; 3 events are not in it yet and were not compared"]
        );

        let late = told(&status(COUNTED, LATE * 2, State::Following));
        assert_eq!(late.differences, 1);
        assert_eq!(late.first.unwrap().position, Some(Position(8)));
        assert!(
            late.notes[0].contains("10000 or more events"),
            "{:?}",
            late.notes
        );
    }

    #[test]
    fn what_an_operator_stopped_is_no_difference() {
        let paused = State::Paused {
            by: "ann".to_owned(),
            reason: "a test".to_owned(),
            since: chrono::DateTime::UNIX_EPOCH,
        };
        let told = told(&status(3, LATE * 2, paused));
        assert_eq!(told.differences, 0);
        assert!(
            told.notes[0].ends_with(", because ann paused it: a test"),
            "{:?}",
            told.notes
        );
    }
}
