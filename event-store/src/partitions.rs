//! Partitions of the tables that grow without end: events, log, idempotency keys, recorded commands.
//!
//! The database keeps their settings in `es.partitioned_tables`, and creates and drops them itself, in the function
//! `es.maintain_partitions` of the migrations. This module calls it, and recognizes a write that found no partition.
//! A partition is created when half of the one before it is used, so a missing one means that no relay ran for long,
//! or that a clock jumped.

use sqlx::PgExecutor;
use sqlx::error::DatabaseError;

use crate::error::StoreError;

/// The SQLSTATE of a violated check, which a row without a partition shares.
const CHECK_VIOLATION: &str = "23514";

/// Creates the partitions that are needed soon, and drops those that are no longer kept. Returns the number of changes.
/// Several processes may do so at once; all but one find nothing to do.
///
/// # Errors
/// When Postgres fails, or a table is locked by another transaction: nothing is changed then.
pub async fn maintain(database: impl PgExecutor<'_>) -> Result<i32, StoreError> {
    sqlx::query_scalar("select es.maintain_partitions()")
        .fetch_one(database)
        .await
        .map_err(StoreError::unavailable("maintaining partitions"))
}

/// Returns true if a row was refused because its partition does not exist.
pub(crate) fn is_missing(error: &dyn DatabaseError) -> bool {
    error.code().as_deref() == Some(CHECK_VIOLATION) && error.constraint().is_none()
}

/// Returns the name of the table that a partition belongs to; the name of another table as it is. Postgres names the
/// partition in the errors of its constraints.
pub(crate) fn table_of(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((table, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => table,
        Some(_) | None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_partition_is_no_part_of_the_table_s_name() {
        assert_eq!(table_of("events_1"), "events");
        assert_eq!(table_of("idempotency_2078"), "idempotency");
        assert_eq!(table_of("stream_types"), "stream_types");
        assert_eq!(table_of("streams"), "streams");
    }
}
