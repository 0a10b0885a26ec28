//! Ends a generation that is being made and will not serve.

use event_store::pool;
use sqlx::PgPool;

/// Gives up the generation that is being made, if there is one; gives which. Its tables are dropped soon.
///
/// # Errors
/// When Postgres fails.
pub async fn give_up(pool: &PgPool, projection: &str) -> Result<Option<i32>, sqlx::Error> {
    let making: Option<i32> = sqlx::query_scalar(
        "select generation from es.generations where consumer = $1 and state = 'BUILDING'",
    )
    .bind(projection)
    .fetch_optional(pool)
    .await?;
    let Some(generation) = making else {
        return Ok(None);
    };
    let ended = end(pool, projection, generation, "RETIRED").await?;
    Ok(ended.then_some(generation))
}

/// Ends a generation in the given state, if it is still being made; gives whether it was.
pub(super) async fn end(
    pool: &PgPool,
    projection: &str,
    generation: i32,
    state: &str,
) -> Result<bool, sqlx::Error> {
    let mut transaction = pool::begin(pool).await?;
    let ended = sqlx::query(
        "update es.generations set state = $3, decided_at = clock_timestamp() \
         where consumer = $1 and generation = $2 and state = 'BUILDING'",
    )
    .bind(projection)
    .bind(generation)
    .bind(state)
    .execute(&mut *transaction)
    .await?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    // In this order and by themselves: the first waits for batches that are under way, the second finds
    // what they have parked. After that, whoever still fills it can write nothing any more.
    for forget in [
        "delete from es.checkpoints where consumer = $1 and generation = $2",
        "delete from es.parked where consumer = $1 and generation = $2",
    ] {
        sqlx::query(forget)
            .bind(projection)
            .bind(generation)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(true)
}
