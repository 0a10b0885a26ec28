//! Drops the tables of generations that neither serve nor are being built.

use event_store::consume::generation;
use event_store::pool;
use sqlx::PgPool;

/// Drops the tables that can be dropped now. A table that is being read is left for the next time, and
/// one that a view depends on until the view is gone.
pub(super) async fn drop_what_is_gone(pool: &PgPool) -> anyhow::Result<()> {
    for (consumer, generation) in generation::list_undropped(pool).await? {
        match drop_one(pool, &consumer, generation).await {
            Ok(()) => tracing::info!(consumer, generation, "an old generation was dropped"),
            Err(error) => tracing::warn!(
                consumer,
                generation,
                why = format!("{error:#}"),
                "an old generation cannot be dropped yet"
            ),
        }
    }
    Ok(())
}

async fn drop_one(pool: &PgPool, consumer: &str, generation: i32) -> anyhow::Result<()> {
    let mut transaction = pool::begin(pool).await?;
    // A statement that waits for a lock on a table makes later ones wait behind it.
    sqlx::query("set local lock_timeout = '200ms'")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("select projections.drop_generation($1 || '_' || $2)")
        .bind(consumer)
        .bind(generation.to_string())
        .execute(&mut *transaction)
        .await?;
    generation::mark_dropped(&mut transaction, consumer, generation).await?;
    Ok(transaction.commit().await?)
}
