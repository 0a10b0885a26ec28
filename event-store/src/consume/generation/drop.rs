//! Generations whose tables are no longer used.

use sqlx::{PgConnection, PgPool};

use crate::error::StoreError;

/// Returns the failed or retired generations whose tables were not dropped, as consumer and number.
///
/// # Errors
/// When Postgres fails.
pub async fn list_undropped(pool: &PgPool) -> Result<Vec<(String, i32)>, StoreError> {
    sqlx::query_as(
        "select consumer, generation from es.generations \
         where state in ('RETIRED', 'FAILED') and dropped_at is null",
    )
    .fetch_all(pool)
    .await
    .map_err(StoreError::unavailable("listing generations to be dropped"))
}

/// Records that the tables of a generation were dropped, within the caller's transaction that drops them.
///
/// # Errors
/// When Postgres fails; the transaction must be rolled back.
pub async fn mark_dropped(
    transaction: &mut PgConnection,
    consumer: &str,
    generation: i32,
) -> Result<(), StoreError> {
    sqlx::query(
        "update es.generations set dropped_at = clock_timestamp() \
         where consumer = $1 and generation = $2",
    )
    .bind(consumer)
    .bind(generation)
    .execute(transaction)
    .await
    .map_err(StoreError::unavailable(
        "recording that tables were dropped",
    ))?;
    Ok(())
}
