//! Restarts a consumer from the first event, in the same tables, because its version was raised.

use sqlx::PgPool;

use super::{lock_checkpoints, lock_serving};
use crate::consume::consumer::Consumer;
use crate::consume::source::ConsumerId;
use crate::error::StoreError;
use crate::pool;

/// Replaces the generation that serves, and clears the consumer's tables with a statement of its own. The
/// old generation is retired. The new one serves at once and has no checkpoints: the consumer creates them
/// before the first event. All happens in one transaction, and only if the generation that serves is still
/// the given one. Otherwise another process was faster.
///
/// No batch of older code can be committed between. It would have to move a checkpoint of the retired
/// generation. Those checkpoints are locked before the tables are cleared, and gone afterwards.
pub(super) async fn restart(
    pool: &PgPool,
    consumer: &dyn Consumer,
    clear: &'static str,
    serving: i32,
) -> Result<(), StoreError> {
    let unavailable = || StoreError::unavailable("restarting a consumer");
    let old = ConsumerId {
        name: consumer.name(),
        generation: serving,
    };
    let mut transaction = pool::begin(pool).await.map_err(unavailable())?;
    if lock_serving(&mut transaction, old.name).await? != Some(serving) {
        return Ok(());
    }
    // Waits for running batches.
    lock_checkpoints(&mut transaction, old).await?;
    for remove in [
        "delete from es.checkpoints where consumer = $1 and generation = $2",
        "delete from es.parked where consumer = $1 and generation = $2",
        "delete from es.skipped where consumer = $1 and generation = $2",
        // The generation has no tables of its own that would have to be dropped.
        "update es.generations set state = 'RETIRED', decided_at = clock_timestamp(), \
             dropped_at = clock_timestamp() \
         where consumer = $1 and generation = $2",
    ] {
        sqlx::query(remove)
            .bind(old.name)
            .bind(old.generation)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable())?;
    }
    sqlx::query(clear)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable())?;
    let generation: i32 = sqlx::query_scalar(
        "insert into es.generations \
             (consumer, generation, version, state, requested_by, reason, decided_at) \
         select $1, max(generation) + 1, $2, 'SERVING', 'clustergenie', \
             format('its version rose to %s', $2), clock_timestamp() \
         from es.generations where consumer = $1 returning generation",
    )
    .bind(old.name)
    .bind(consumer.version())
    .fetch_one(&mut *transaction)
    .await
    .map_err(unavailable())?;
    transaction.commit().await.map_err(unavailable())?;
    tracing::info!(
        consumer = old.name,
        generation,
        version = consumer.version(),
        "a consumer starts again from the first event, because its version was raised"
    );
    Ok(())
}
