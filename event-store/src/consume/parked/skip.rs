//! Parked streams that an operator has skipped.

use sqlx::PgPool;
use uuid::Uuid;

use crate::consume::source::ConsumerId;
use crate::error::StoreError;

/// Skips a parked stream. In this generation the stream stays as it is, and its later events wait for ever.
/// The stream counts as skipped instead of parked until a retry succeeds. `by` and `reason` are recorded.
/// Returns true if the stream is parked at all.
///
/// # Errors
/// When Postgres fails.
pub async fn skip(
    pool: &PgPool,
    id: ConsumerId,
    stream: Uuid,
    by: &str,
    reason: &str,
) -> Result<bool, StoreError> {
    let skipped = sqlx::query(
        "insert into es.skipped (consumer, generation, stream_id, skipped_by, reason) \
         select $1, $2, $3, $4, $5 where exists (select from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3) \
         on conflict (consumer, generation, stream_id) do update set \
             skipped_by = excluded.skipped_by, reason = excluded.reason, \
             skipped_at = excluded.skipped_at",
    )
    .bind(id.name)
    .bind(id.generation)
    .bind(stream)
    .bind(by)
    .bind(reason)
    .execute(pool)
    .await
    .map_err(StoreError::unavailable("skipping a parked stream"))?;
    Ok(skipped.rows_affected() == 1)
}
