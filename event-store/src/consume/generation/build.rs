//! The build of a generation, from its request until the decision whether it serves.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::{GenerationState, begin};
use crate::consume::consumer::Consumer;
use crate::consume::source::ConsumerId;
use crate::error::StoreError;
use crate::pool;

/// The result of [`add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewGeneration {
    /// The generation with this number is added and [`Building`](GenerationState::Building).
    Added(i32),
    /// No generation was added, because the one with this number is being built.
    AlreadyBuilding(i32),
}

/// Adds a generation of a consumer within the caller's transaction, which also creates its tables. `by` and
/// `reason` are recorded. Of two callers at once, the second finds the generation of the first.
///
/// # Errors
/// When Postgres fails; the transaction must be rolled back.
pub async fn add(
    transaction: &mut PgConnection,
    consumer: &dyn Consumer,
    by: &str,
    reason: &str,
) -> Result<NewGeneration, StoreError> {
    let unavailable = || StoreError::unavailable("adding a generation");
    let name = consumer.name();
    begin(&mut *transaction, name, consumer.version()).await?;
    // The second caller waits here.
    super::lock_serving(transaction, name).await?;
    let (building, next): (Option<i32>, i32) = sqlx::query_as(
        "select max(generation) filter (where state = 'BUILDING'), max(generation) + 1 \
         from es.generations where consumer = $1",
    )
    .bind(name)
    .fetch_one(&mut *transaction)
    .await
    .map_err(unavailable())?;
    if let Some(generation) = building {
        return Ok(NewGeneration::AlreadyBuilding(generation));
    }
    sqlx::query(
        "insert into es.generations (consumer, generation, version, state, requested_by, reason) \
         values ($1, $2, $3, 'BUILDING', $4, $5)",
    )
    .bind(name)
    .bind(next)
    .bind(consumer.version())
    .bind(by)
    .bind(reason)
    .execute(transaction)
    .await
    .map_err(unavailable())?;
    Ok(NewGeneration::Added(next))
}

/// Records that a generation has applied the whole log as it was at that time.
///
/// # Errors
/// When Postgres fails.
pub async fn mark_filled(pool: &PgPool, id: ConsumerId) -> Result<(), StoreError> {
    sqlx::query(
        "update es.generations set filled_at = coalesce(filled_at, clock_timestamp()) \
         where consumer = $1 and generation = $2",
    )
    .bind(id.name)
    .bind(id.generation)
    .execute(pool)
    .await
    .map_err(StoreError::unavailable(
        "recording that a generation is filled",
    ))?;
    Ok(())
}

/// Records the comparison of a generation with the log.
///
/// # Errors
/// When Postgres fails.
pub async fn record_report(
    pool: &PgPool,
    id: ConsumerId,
    report: &Value,
) -> Result<(), StoreError> {
    sqlx::query("update es.generations set report = $3 where consumer = $1 and generation = $2")
        .bind(id.name)
        .bind(id.generation)
        .bind(report)
        .execute(pool)
        .await
        .map_err(StoreError::unavailable(
            "recording the report of a generation",
        ))?;
    Ok(())
}

/// Retires the generation of a consumer that is being built, if there is one. Returns its number. Its
/// tables are left to be dropped.
///
/// # Errors
/// When Postgres fails.
pub async fn abandon(pool: &PgPool, consumer: &'static str) -> Result<Option<i32>, StoreError> {
    let building: Option<i32> = sqlx::query_scalar(
        "select generation from es.generations where consumer = $1 and state = 'BUILDING'",
    )
    .bind(consumer)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable("looking up a generation"))?;
    let Some(generation) = building else {
        return Ok(None);
    };
    let id = ConsumerId {
        name: consumer,
        generation,
    };
    let ended = end(pool, id, GenerationState::Retired).await?;
    Ok(ended.then_some(generation))
}

/// Ends a generation in the given state if it is still being built. Returns true if it was. After that,
/// nobody can write the generation any more, and nothing is parked in it.
///
/// # Errors
/// When Postgres fails; the generation stays as it was.
pub async fn end(
    pool: &PgPool,
    id: ConsumerId,
    state: GenerationState,
) -> Result<bool, StoreError> {
    let unavailable = || StoreError::unavailable("ending a generation");
    let mut transaction = pool::begin(pool).await.map_err(unavailable())?;
    let ended = sqlx::query(
        "update es.generations set state = $3, decided_at = clock_timestamp() \
         where consumer = $1 and generation = $2 and state = 'BUILDING'",
    )
    .bind(id.name)
    .bind(id.generation)
    .bind(state.as_str())
    .execute(&mut *transaction)
    .await
    .map_err(unavailable())?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    // In this order and in statements of their own: the first waits for running batches, the second finds
    // what they have parked.
    for forget in [
        "delete from es.checkpoints where consumer = $1 and generation = $2",
        "delete from es.parked where consumer = $1 and generation = $2",
    ] {
        sqlx::query(forget)
            .bind(id.name)
            .bind(id.generation)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable())?;
    }
    transaction.commit().await.map_err(unavailable())?;
    Ok(true)
}
