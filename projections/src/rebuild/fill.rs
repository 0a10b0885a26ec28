//! Fills a generation from the log: several shards at a time, each in transactions of its own.

use std::sync::Arc;

use event_store::consume::checkpoint::{self, Move};
use event_store::consume::consumer::{self, Consumer};
use event_store::consume::source::{Batch, ConsumerId};
use event_store::envelope::{Position, Shard};
use event_store::error::StoreError;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use sqlx::PgPool;

use crate::shard_batches::{self, ShardBatch};

/// Shards that are filled at the same time.
const AT_ONCE: usize = 4;

/// Applies to a generation all events up to a position that it has not applied. Can be stopped and begun
/// again at any point.
pub(super) async fn fill(
    pool: &PgPool,
    projection: &dyn Consumer,
    generation: i32,
    up_to: Position,
) -> Result<(), StoreError> {
    stream::iter(Shard::all(projection.stream_types()))
        .map(|shard| fill_shard(pool, projection, generation, shard, up_to))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn fill_shard(
    pool: &PgPool,
    projection: &dyn Consumer,
    generation: i32,
    shard: Shard,
    up_to: Position,
) -> Result<(), StoreError> {
    let id = ConsumerId {
        name: projection.name(),
        generation,
    };
    let loaded = checkpoint::load(pool, id, &[shard]).await?;
    let mut from = loaded[&shard].position;
    while from < up_to {
        let ShardBatch { events, is_last } = shard_batches::next(pool, shard, from, up_to).await?;
        let to = match events.last() {
            Some(last) if !is_last => last.position,
            _ => up_to,
        };
        let step = Move {
            shard,
            from,
            to,
            kafka_offset: None,
        };
        let batch = Batch {
            has_more: !is_last,
            generation,
            // The generation is compared with the log before it serves.
            incarnation: None,
            events: events.into_iter().map(Arc::new).collect(),
            moves: vec![step],
        };
        consumer::apply_batch(pool, projection, &batch).await?;
        from = to;
    }
    Ok(())
}
