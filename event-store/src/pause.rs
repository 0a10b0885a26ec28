//! Stops a consumer, and lets it go on: for operators.

use sqlx::PgPool;

use crate::error::StoreError;

/// Stops a consumer in all processes and generations. When this returns, nothing is being applied any more,
/// and nothing will be until [`resume`]. Gives whether it was not paused before; then who and why stay as
/// they were.
///
/// # Errors
/// When Postgres fails.
pub async fn pause(
    pool: &PgPool,
    consumer: &str,
    by: &str,
    reason: &str,
) -> Result<bool, StoreError> {
    let unavailable = || StoreError::unavailable("pausing a consumer");
    let paused = sqlx::query(
        "insert into es.paused (consumer, paused_by, reason) values ($1, $2, $3) \
         on conflict do nothing",
    )
    .bind(consumer)
    .bind(by)
    .bind(reason)
    .execute(pool)
    .await
    .map_err(unavailable())?;
    // Batches that began before hold their checkpoints; later ones find that they may not move them.
    sqlx::query(
        "select 1 from es.checkpoints where consumer = $1 order by generation, shard for update",
    )
    .bind(consumer)
    .execute(pool)
    .await
    .map_err(unavailable())?;
    Ok(paused.rows_affected() == 1)
}

/// Lets a consumer go on, within a moment. Gives whether it was paused.
///
/// # Errors
/// When Postgres fails.
pub async fn resume(pool: &PgPool, consumer: &str) -> Result<bool, StoreError> {
    let resumed = sqlx::query("delete from es.paused where consumer = $1")
        .bind(consumer)
        .execute(pool)
        .await
        .map_err(StoreError::unavailable("resuming a consumer"))?;
    Ok(resumed.rows_affected() == 1)
}
