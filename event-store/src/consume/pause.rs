//! Pauses and resumes consumers, for operators. This module owns `es.paused`.

use sqlx::{PgExecutor, PgPool};

use crate::consume::generation::{self, Access};
use crate::consume::source::ConsumerId;
use crate::error::StoreError;
use crate::pool;

/// Pauses a consumer in all processes and generations. After the return no batch is being applied any more,
/// and none will be until [`resume`]. Only an operator may still retry a parked stream. Returns true if the
/// consumer was not paused before. Otherwise the recorded operator and reason stay.
///
/// # Errors
/// When Postgres fails.
pub async fn pause(
    pool: &PgPool,
    consumer: &'static str,
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
    // Waits for batches that have begun; later ones find, in a statement of their own, that they may not
    // move their checkpoints.
    let generations: Vec<i32> = sqlx::query_scalar(
        "select generation from es.generations \
         where consumer = $1 and state in ('SERVING', 'BUILDING')",
    )
    .bind(consumer)
    .fetch_all(pool)
    .await
    .map_err(unavailable())?;
    for generation in generations {
        let id = ConsumerId {
            name: consumer,
            generation,
        };
        let mut transaction = pool::begin(pool).await.map_err(unavailable())?;
        generation::enter(&mut transaction, id, Access::Alone).await?;
        transaction.rollback().await.map_err(unavailable())?;
    }
    Ok(paused.rows_affected() == 1)
}

/// Resumes a consumer, which applies events again within a second. Returns true if it was paused.
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

/// Returns true if a consumer is paused.
///
/// # Errors
/// When Postgres fails.
pub async fn is_paused(database: impl PgExecutor<'_>, consumer: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select from es.paused where consumer = $1)")
        .bind(consumer)
        .fetch_one(database)
        .await
        .map_err(StoreError::unavailable(
            "looking whether a consumer is paused",
        ))
}
