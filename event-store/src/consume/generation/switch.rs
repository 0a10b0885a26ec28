//! Switches to another generation, which begins to serve within one transaction of the caller.
//!
//! The order is [`lock_serving`], [`lock_checkpoints`] of the generation that serves, [`lock`] of its
//! successor, [`hand_over`]. From the second step on, the old generation shows nothing that it did not show
//! before. So the caller can let the successor apply at least as much. A worker that waits for a locked
//! checkpoint finds it gone after the commit, and is fenced.

use sqlx::PgConnection;

use super::GenerationState;
use super::state::stored;
use crate::consume::source::ConsumerId;
use crate::error::StoreError;

/// Locks the generation that serves until the transaction ends. Returns its number, or `None` if none
/// serves.
///
/// # Errors
/// When Postgres fails; the transaction must be rolled back.
pub async fn lock_serving(
    transaction: &mut PgConnection,
    consumer: &str,
) -> Result<Option<i32>, StoreError> {
    sqlx::query_scalar(
        "select generation from es.generations where consumer = $1 and state = 'SERVING' for update",
    )
    .bind(consumer)
    .fetch_optional(transaction)
    .await
    .map_err(unavailable())
}

/// Locks the checkpoints of a generation until the transaction ends: no batch can be committed to it.
///
/// # Errors
/// When Postgres fails; the transaction must be rolled back.
pub async fn lock_checkpoints(
    transaction: &mut PgConnection,
    id: ConsumerId,
) -> Result<(), StoreError> {
    sqlx::query(
        "select 1 from es.checkpoints where consumer = $1 and generation = $2 \
         order by shard for update",
    )
    .bind(id.name)
    .bind(id.generation)
    .execute(transaction)
    .await
    .map_err(unavailable())?;
    Ok(())
}

/// Locks a generation until the transaction ends. Returns its state, or `None` if there is no such
/// generation.
///
/// # Errors
/// When Postgres fails; the transaction must be rolled back.
pub async fn lock(
    transaction: &mut PgConnection,
    id: ConsumerId,
) -> Result<Option<GenerationState>, StoreError> {
    let state: Option<String> = sqlx::query_scalar(
        "select state from es.generations where consumer = $1 and generation = $2 for update",
    )
    .bind(id.name)
    .bind(id.generation)
    .fetch_optional(transaction)
    .await
    .map_err(unavailable())?;
    state.map(stored).transpose()
}

/// Lets `successor` serve in the place of the generation `serving`. Skipped streams stay skipped. The
/// checkpoints and parked streams of `serving` are removed. All locks of this module must be held.
///
/// # Errors
/// When Postgres fails; the transaction must be rolled back.
pub async fn hand_over(
    transaction: &mut PgConnection,
    successor: ConsumerId,
    serving: i32,
) -> Result<(), StoreError> {
    sqlx::query(include_str!("hand_over.sql"))
        .bind(successor.name)
        .bind(serving)
        .bind(successor.generation)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable())?;
    // In this order, because only one may serve.
    for (generation, state) in [
        (serving, GenerationState::Retired),
        (successor.generation, GenerationState::Serving),
    ] {
        sqlx::query(
            "update es.generations set state = $3, decided_at = clock_timestamp() \
             where consumer = $1 and generation = $2",
        )
        .bind(successor.name)
        .bind(generation)
        .bind(state.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(unavailable())?;
    }
    Ok(())
}

fn unavailable() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::unavailable("letting another generation serve")
}
