//! Generations whose tables are of no use any more.

use sqlx::{PgConnection, PgPool};

use crate::error::StoreError;

/// The generations, as consumer and number, that are failed or retired and whose tables were not dropped.
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

/// Records, within the caller's transaction that drops them, that the tables of a generation are gone.
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
