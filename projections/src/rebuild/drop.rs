//! Drops the tables of generations that neither serve nor are being made.

use anyhow::Context;
use event_store::pool;
use sqlx::PgPool;

/// Drops what can be dropped now: a table that somebody reads is left for the next time, and one that
/// somebody made a view upon until the view is gone.
pub(super) async fn drop_what_is_gone(pool: &PgPool) -> anyhow::Result<()> {
    let gone: Vec<(String, i32)> = sqlx::query_as(
        "select consumer, generation from es.generations \
         where state in ('RETIRED', 'FAILED') and dropped_at is null",
    )
    .fetch_all(pool)
    .await
    .context("generations to be dropped cannot be listed")?;
    for (consumer, generation) in gone {
        match drop_one(pool, &consumer, generation).await {
            Ok(()) => tracing::info!(consumer, generation, "an old generation was dropped"),
            Err(error) => tracing::warn!(
                consumer,
                generation,
                why = %error,
                "an old generation cannot be dropped yet"
            ),
        }
    }
    Ok(())
}

async fn drop_one(pool: &PgPool, consumer: &str, generation: i32) -> Result<(), sqlx::Error> {
    let mut transaction = pool::begin(pool).await?;
    // Whoever waits for a lock on a table lets others wait behind.
    sqlx::query("set local lock_timeout = '200ms'")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("select projections.drop_generation($1 || '_' || $2)")
        .bind(consumer)
        .bind(generation.to_string())
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "update es.generations set dropped_at = clock_timestamp() \
         where consumer = $1 and generation = $2",
    )
    .bind(consumer)
    .bind(generation)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}
