//! The check of a read model: its rows against a fresh fold of the log, and its lag.

use std::time::Duration;

use anyhow::Context;
use event_store::audit::finding::{Difference, Findings};
use event_store::consume::consumer::Consumer;
use event_store::consume::generation;
use event_store::consume::source::ConsumerId;
use event_store::envelope::Position;
use projections::compare::{self, Comparison, Sample, compare};
use projections::status::{self, ConsumerStatus, State};
use sqlx::PgPool;

/// Age from which an event that is not applied is a difference. The usual lag of a read model is
/// milliseconds, or seconds while Kafka is down.
const LATE: Duration = Duration::from_mins(5);

/// Upper bound of the counted lag of a shard (see `status.sql`).
const MAX_COUNTED: i64 = 10_000;

/// Compares the rows of the serving generation, and looks for events that are not applied in time. Advises a rebuild
/// only if no other check has found a difference: it would copy an altered event.
///
/// # Errors
/// When Postgres fails.
pub(super) async fn check(
    pool: &PgPool,
    projection: &dyn Consumer,
    sample: Sample,
    history_holds: bool,
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    compare_rows(pool, projection, sample, &mut findings).await?;
    if findings.differences > 0 {
        findings.note(advice(projection.name(), history_holds));
    }
    // After the comparison: what is not applied now was not part of it either.
    let status = status::of(pool, &[projection]).await;
    let status = status.context("the lag cannot be read")?;
    for status in &status {
        note_lag(&mut findings, status);
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
        findings.note("not built yet");
        return Ok(());
    };
    if version != projection.version() {
        findings.note(format!(
            "version {version} serves, this program has version {}: not compared",
            projection.version()
        ));
        return Ok(());
    }
    let (compared, generation) = match compare(pool, projection, generation, sample).await {
        Ok(compared) => (compared, generation),
        // A rebuild may have switched over, and the tables of this generation are gone.
        Err(error) => match generation::find_serving(pool, projection.name()).await? {
            Some((now, _)) if now != generation => {
                (compare(pool, projection, now, sample).await?, now)
            }
            _ => return Err(error.into()),
        },
    };
    take_in(findings, compared);
    let id = ConsumerId {
        name: projection.name(),
        generation,
    };
    note_tables(pool, id, findings).await
}

/// Notes events that are not applied. Such events are a difference if they wait too long and the read model
/// is not paused.
fn note_lag(findings: &mut Findings, status: &ConsumerStatus) {
    if status.lag_events == 0 {
        return;
    }
    let mut note = format!(
        "applied up to position {}; {}{} later events were not compared",
        status.position,
        status.lag_events,
        if status.lag_events >= MAX_COUNTED {
            " or more"
        } else {
            ""
        },
    );
    if let State::Paused { by, reason, .. } = &status.state {
        note.push_str(&format!(", paused by {by}: {reason}"));
    } else if status.lag > LATE {
        let late = Difference {
            position: Some(Position(status.position.0 + 1)),
            expected: format!("an event that is applied within {} minutes", minutes(LATE)),
            found: format!(
                "recorded {} minutes ago and not applied: check that `project` or `up` runs, and its \
                 /readyz",
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

/// Notes the tables of a read model that has several, because the number of rows covers all of them.
async fn note_tables(pool: &PgPool, id: ConsumerId, findings: &mut Findings) -> anyhow::Result<()> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = $1 order by tablename",
    )
    .bind(generation::tables_of(id))
    .fetch_all(pool)
    .await
    .context("the tables of the read model cannot be listed")?;
    if tables.len() > 1 {
        findings.note(format!(
            "rows of {} tables: {}",
            tables.len(),
            tables.join(", ")
        ));
    }
    Ok(())
}

/// Returns the advice about rows that differ.
fn advice(projection: &str, history_holds: bool) -> String {
    if history_holds {
        format!("`clustergenie projections rebuild {projection}` rebuilds it from the log")
    } else {
        "the checks above differ too: find out first what altered the history, because a rebuild would copy it"
            .to_owned()
    }
}

fn take_in(findings: &mut Findings, compared: Comparison) {
    findings.compared = compared.rows;
    if let Some(first) = compared.first.into_iter().next() {
        findings.differ(compared.differences, difference(first));
    }
    if !compared.left_out.is_empty() {
        findings.note(format!(
            "{} sums over streams, so it cannot be sampled and was not compared",
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

    fn findings(status: &ConsumerStatus) -> Findings {
        let mut findings = Findings::default();
        note_lag(&mut findings, status);
        findings
    }

    #[test]
    fn lag_is_noted_and_a_long_lag_is_a_difference() {
        let at_the_end = findings(&status(0, Duration::ZERO, State::Following));
        assert_eq!(at_the_end, Findings::default());

        let soon = findings(&status(3, LATE, State::Following));
        assert_eq!(soon.differences, 0);
        assert_eq!(
            soon.notes,
            ["applied up to position 7; 3 later events were not compared"]
        );

        let late = findings(&status(MAX_COUNTED, LATE * 2, State::Following));
        assert_eq!(late.differences, 1);
        assert_eq!(late.first.unwrap().position, Some(Position(8)));
        assert!(
            late.notes[0].contains("10000 or more later events"),
            "{:?}",
            late.notes
        );
    }

    #[test]
    fn no_rebuild_is_advised_while_the_history_differs() {
        assert!(advice("droplets", true).contains("projections rebuild droplets"));
        assert!(advice("droplets", false).contains("altered the history"));
    }

    #[test]
    fn a_paused_read_model_is_no_difference() {
        let paused = State::Paused {
            by: "ann".to_owned(),
            reason: "a test".to_owned(),
            since: chrono::DateTime::UNIX_EPOCH,
        };
        let paused_findings = findings(&status(3, LATE * 2, paused));
        assert_eq!(paused_findings.differences, 0);
        assert!(
            paused_findings.notes[0].ends_with(", paused by ann: a test"),
            "{:?}",
            paused_findings.notes
        );
    }
}
