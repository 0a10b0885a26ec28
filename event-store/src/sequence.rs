//! The sequence that numbers events, checked against the events.
//!
//! A sequence can be behind its table: after a restore of tables alone, after logical replication, or after
//! `setval`. It would give numbers again. Most collide. But a number that a transaction once drew and rolled back is
//! free, and the sequencer has given it up: an event with that number would never get a position. So no process may
//! append while the sequence is behind.

use sqlx::PgPool;

use crate::error::StoreError;

/// The end of the names of the constraints that two events with one number break: each partition has one.
pub(crate) const NUMBERS: &str = "_seq_key";

/// Checks that the sequence is not behind the events. Concurrent appends do no harm: the sequence is read after the
/// snapshot of the events is taken.
///
/// # Errors
/// [`StoreError::SequenceBehind`], and when Postgres fails.
pub async fn check(pool: &PgPool) -> Result<(), StoreError> {
    let is_behind: bool = sqlx::query_scalar(
        "select coalesce((select max(seq) from es.events), 0) > \
         case when is_called then last_value else last_value - 1 end \
         from es.events_seq_seq",
    )
    .fetch_one(pool)
    .await
    .map_err(StoreError::unavailable("checking the sequence of events"))?;
    if is_behind {
        return Err(StoreError::SequenceBehind);
    }
    Ok(())
}
