//! The append statement, and the meaning of its rows.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::columns::Columns;
use super::variant::Parts;
use super::{Append, Outcome, Prepared};
use crate::write::idempotency::Repeated;
use crate::write::name::NameChange;

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
    let mut columns = Columns::of(batch);
    let parts = Parts::of(batch);
    let variant = parts.variant();
    let mut query = sqlx::query(&*variant.text);
    for parameter in &variant.parameters {
        query = columns.bind(query, parameter);
    }
    let rows = query.fetch_all(connection).await?;
    let answers = rows.iter().zip(batch);
    answers
        .map(|(row, prepared)| answer(row, prepared.append(), parts))
        .collect()
}

/// Returns the answer that a row gives to its command.
///
/// A repeated command comes first: its first run explains every other rejection. A conflict comes before
/// the rejections, because a decision on another state than the stored one must be made again. Only then is
/// the command rejected, because of the stored state.
fn answer(row: &PgRow, append: &Append, parts: Parts) -> Result<Answer, sqlx::Error> {
    if row.try_get("won")? {
        return Ok(Answer::Told(Outcome::Appended));
    }
    if parts.keys
        && let Some(request_hash) = row.try_get::<Option<Uuid>, _>("repeated_hash")?
    {
        let receipt = row.try_get("repeated_receipt")?;
        let first = Repeated {
            request_hash: request_hash.into_bytes(),
            receipt,
        };
        return Ok(Answer::Told(Outcome::Repeated(first)));
    }
    if row.try_get("conflicted")? {
        return Ok(Answer::Told(Outcome::Conflict));
    }
    if parts.names
        && let Some(scope) = row.try_get::<Option<String>, _>("taken_scope")?
    {
        let key: String = row.try_get("taken_key")?;
        let mut names = append.names.iter().map(NameChange::name);
        let taken = names.find(|name| name.scope.name == scope && name.key == key);
        let taken = taken.expect("a command is refused for a name of its own");
        return Ok(Answer::Told(Outcome::Taken(taken.clone())));
    }
    if !parts.shared {
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
