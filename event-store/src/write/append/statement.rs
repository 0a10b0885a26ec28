//! The append statement, and the meaning of its rows.

use std::sync::LazyLock;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::columns::Columns;
use super::{Append, Outcome, Prepared};
use crate::write::command::PROGRAM;
use crate::write::idempotency::Repeated;
use crate::write::name::NameChange;

const WHOLE: &str = include_str!("../append.sql");

/// The statement for commands that share nothing, which are most. It costs Postgres half as much.
static PLAIN: LazyLock<String> = LazyLock::new(|| without_shared(WHOLE));

fn without_shared(whole: &str) -> String {
    let mut shared = false;
    let mut plain = String::with_capacity(whole.len());
    for line in whole.lines() {
        match line.trim() {
            "-- [shared" => shared = true,
            "-- shared]" => shared = false,
            _ if shared => {}
            _ => {
                plain.push_str(line);
                plain.push('\n');
            }
        }
    }
    plain
}

/// The answer of the statement to one command.
pub(super) enum Answer {
    /// The command has its outcome: it is done, or rejected for good.
    Told(Outcome),
    /// A counter of the command has no row that the statement could lock.
    Uncounted,
    /// Commands before it in the batch may leave the command no room in a counter.
    Crowded,
}

/// Appends a batch in one statement. [`super`] has the proof of its correctness.
pub(super) async fn execute(
    connection: &mut PgConnection,
    batch: &[&Prepared],
) -> Result<Vec<Answer>, sqlx::Error> {
    let columns = Columns::of(batch);
    let whole = batch.iter().any(|prepared| prepared.shares());
    let text: &'static str = if whole { WHOLE } else { &PLAIN };
    let mut query = sqlx::query(text)
        .bind(columns.entry_command)
        .bind(columns.entry_stream)
        .bind(columns.entry_type)
        .bind(columns.entry_org)
        .bind(columns.entry_expected)
        .bind(columns.entry_added)
        .bind(columns.event_stream)
        .bind(columns.event_version)
        .bind(columns.event_shard)
        .bind(columns.event_id)
        .bind(columns.event_org)
        .bind(columns.event_type)
        .bind(columns.event_schema_version)
        .bind(columns.event_data)
        .bind(columns.event_metadata)
        .bind(columns.name_command)
        .bind(columns.name_org)
        .bind(columns.name_scope)
        .bind(columns.name_key)
        .bind(columns.name_held_by)
        .bind(columns.name_taken_by)
        .bind(columns.key_command)
        .bind(columns.key_org)
        .bind(columns.key_key)
        .bind(columns.key_hash)
        .bind(columns.key_receipt)
        .bind(i32::try_from(batch.len()).expect("a batch is small"))
        .bind(PROGRAM)
        .bind(columns.record_command)
        .bind(columns.record_org)
        .bind(columns.record_id)
        .bind(columns.record_name)
        .bind(columns.record_stream_type)
        .bind(columns.record_stream)
        .bind(columns.record_actor)
        .bind(columns.record_outcome)
        .bind(columns.record_document)
        .bind(columns.incarnation);
    if whole {
        query = query
            .bind(columns.counter_command)
            .bind(columns.counter_org)
            .bind(columns.counter_scope)
            .bind(columns.counter_key)
            .bind(columns.counter_added)
            .bind(columns.counter_at_least)
            .bind(columns.counter_at_most);
    }
    let rows = query.fetch_all(connection).await?;
    let answers = rows.iter().zip(batch);
    answers
        .map(|(row, prepared)| answer(row, prepared.append(), whole))
        .collect()
}

/// Returns the answer that a row gives to its command.
///
/// A repeated command comes first: its first run explains every other rejection. A conflict comes before
/// the rejections, because a decision on another state than the stored one must be made again. Only then is
/// the command rejected, because of the stored state.
fn answer(row: &PgRow, append: &Append, whole: bool) -> Result<Answer, sqlx::Error> {
    if row.try_get("won")? {
        return Ok(Answer::Told(Outcome::Appended));
    }
    if let Some(request_hash) = row.try_get::<Option<Vec<u8>>, _>("repeated_hash")? {
        let receipt = row.try_get("repeated_receipt")?;
        let first = Repeated {
            request_hash,
            receipt,
        };
        return Ok(Answer::Told(Outcome::Repeated(first)));
    }
    if row.try_get("conflicted")? {
        return Ok(Answer::Told(Outcome::Conflict));
    }
    if let Some(scope) = row.try_get::<Option<String>, _>("taken_scope")? {
        let key: String = row.try_get("taken_key")?;
        let mut names = append.names.iter().map(NameChange::name);
        let taken = names.find(|name| name.scope.name == scope && name.key == key);
        let taken = taken.expect("a command is refused for a name of its own");
        return Ok(Answer::Told(Outcome::Taken(taken.clone())));
    }
    if !whole {
        return Ok(Answer::Told(Outcome::Conflict));
    }
    if let Some(scope) = row.try_get::<Option<String>, _>("exceeded_scope")? {
        let key: String = row.try_get("exceeded_key")?;
        let mut counters = append.counters.iter().map(|change| &change.counter);
        let exceeded = counters.find(|counter| counter.scope.name == scope && counter.key == key);
        let exceeded = exceeded.expect("a command is refused for a counter of its own");
        return Ok(Answer::Told(Outcome::Exceeded {
            counter: exceeded.clone(),
            count: row.try_get("exceeded_count")?,
        }));
    }
    Ok(if row.try_get("uncounted")? {
        Answer::Uncounted
    } else {
        Answer::Crowded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_statement_is_the_whole_one_without_what_is_marked() {
        assert_eq!(
            without_shared("a\n  -- [shared\nb\n  -- shared]\nc\n-- [shared\nd\n-- shared]\n"),
            "a\nc\n"
        );
        assert!(!PLAIN.contains("shared]\n") && PLAIN.contains("recorded as ("));
    }
}
