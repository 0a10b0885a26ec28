//! Checkpoints: the progress of a consumer in every shard. A checkpoint moves by compare-and-set in the
//! transaction of the rows that it covers. So a stale worker's rows are rolled back with its move. This
//! module owns `es.checkpoints`, except for their removal with their generation.
//!
//! # The beginning of a new checkpoint, and the proof that it skips no event
//!
//! A new checkpoint begins just before the first event of its shard, or at the head of the log if the shard
//! has no event. So the shards of a new aggregate do not send a consumer through the log from its
//! beginning. The first event and the head are read by the statement that creates the checkpoint, thus from
//! one snapshot.
//!
//! Let that snapshot show the head `H`. The head and the rows of the log are written by one transaction
//! (`sequencer_write.sql`). So the snapshot shows every row of the log up to `H` and none beyond. Rows up
//! to `H` are final, and every event that is given a position later gets one beyond `H`.
//!
//! - If the snapshot shows an event of the shard, its first one is at `p <= H`. No event of the shard can
//!   be before `p`, then or later. So a checkpoint at `p - 1` has all of them ahead.
//! - If the snapshot shows none, every event of the shard will be beyond `H`. So a checkpoint at `H` has
//!   all of them ahead. That includes an event that the sequencer is giving a position at that moment, in a
//!   transaction that the snapshot does not show.
//!
//! Two statements would not suffice. An event that is sequenced between the read of the shard's first event
//! and the read of the head would be behind the checkpoint.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool};

use crate::consume::source::ConsumerId;
use crate::envelope::{Position, Shard};
use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// A stored checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The position up to which every event of the shard has been applied, or is parked.
    pub position: Position,
    /// The offset of the next event in Kafka: a hint.
    pub kafka_offset: Option<i64>,
}

/// A move of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The shard of the checkpoint.
    pub shard: Shard,
    /// The position that the checkpoint must have before.
    pub from: Position,
    /// The position that the checkpoint gets.
    pub to: Position,
    /// The offset of the next event in Kafka, if the batch came from Kafka.
    pub kafka_offset: Option<i64>,
}

/// Returns the checkpoints of the given shards. Missing ones are created before the first event of their
/// shard, or at the head of the log if there is no event (see above).
///
/// # Errors
/// [`StoreError::Fenced`] when the generation neither serves nor is being built, and when Postgres fails.
pub async fn load(
    pool: &PgPool,
    consumer: ConsumerId,
    shards: &[Shard],
) -> Result<BTreeMap<Shard, Checkpoint>, StoreError> {
    let shards: Vec<i16> = shards.iter().map(|s| s.0).collect();
    let unavailable = || StoreError::unavailable("loading checkpoints");
    // The lock lets no checkpoint appear while another transaction takes the generation out of service.
    sqlx::query(
        "with alive as ( \
             select from es.generations \
             where consumer = $1 and generation = $2 and state in ('SERVING', 'BUILDING') for share) \
         insert into es.checkpoints (consumer, generation, shard, position) \
         select $1, $2, s.shard, coalesce( \
             (select l.position - 1 from es.log l where l.shard = s.shard \
                 order by l.position limit 1), \
             (select position from es.log_head order by position desc limit 1)) \
         from unnest($3::smallint[]) as s(shard), alive order by s.shard \
         on conflict do nothing",
    )
    .bind(consumer.name)
    .bind(consumer.generation)
    .bind(&shards)
    .execute(pool)
    .await
    .map_err(unavailable())?;
    let rows: Vec<(i16, i64, Option<i64>)> = sqlx::query_as(
        "select shard, position, kafka_offset from es.checkpoints \
         where consumer = $1 and generation = $2 and shard = any($3)",
    )
    .bind(consumer.name)
    .bind(consumer.generation)
    .bind(&shards)
    .fetch_all(pool)
    .await
    .map_err(unavailable())?;
    if rows.len() < shards.len() {
        return Err(StoreError::Fenced {
            what: format!("generation {} of {}", consumer.generation, consumer.name),
        });
    }
    Ok(rows
        .into_iter()
        .map(|(shard, position, kafka_offset)| {
            (
                Shard(shard),
                Checkpoint {
                    position: Position(position),
                    kafka_offset,
                },
            )
        })
        .collect())
}

/// Moves checkpoints within the caller's transaction: all of them, or the transaction must be rolled back.
///
/// # Errors
/// [`StoreError::Fenced`] when a checkpoint is not at its expected position: another worker applied those
/// events, or the generation is out of service. Also when a checkpoint would move beyond the head of the
/// log, or when the consumer is paused. [`StoreError::OtherIncarnation`] when the log is in another incarnation than
/// the events were read in.
pub async fn advance(
    transaction: &mut PgConnection,
    consumer: ConsumerId,
    incarnation: Option<IncarnationId>,
    moves: &[Move],
) -> Result<(), StoreError> {
    // Rows are locked in shard order, so that two workers that swap shards cannot deadlock. Nothing
    // beyond the head of the log can have been applied, whatever a message says.
    let moved = sqlx::query(
        "with held as ( \
             select c.shard, m.to_position, m.kafka_offset \
             from es.checkpoints c \
             join unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[]) \
                 as m(shard, from_position, to_position, kafka_offset) using (shard) \
             where c.consumer = $1 and c.generation = $2 and c.position = m.from_position \
                 and m.to_position <= (select position from es.log_head order by position desc limit 1) \
                 and not exists (select from es.paused p where p.consumer = $1) \
                 and ($7::uuid is null or es.demand_incarnation($7)) \
             order by c.shard for no key update of c) \
         update es.checkpoints c \
         set position = held.to_position, moved_at = clock_timestamp(), \
             kafka_offset = coalesce(held.kafka_offset, c.kafka_offset) \
         from held where c.consumer = $1 and c.generation = $2 and c.shard = held.shard",
    )
    .bind(consumer.name)
    .bind(consumer.generation)
    .bind(moves.iter().map(|m| m.shard.0).collect::<Vec<_>>())
    .bind(moves.iter().map(|m| m.from.0).collect::<Vec<_>>())
    .bind(moves.iter().map(|m| m.to.0).collect::<Vec<_>>())
    .bind(moves.iter().map(|m| m.kafka_offset).collect::<Vec<_>>())
    .bind(incarnation.map(|incarnation| incarnation.0))
    .execute(transaction)
    .await
    .map_err(StoreError::asking("moving checkpoints"))?;
    if moved.rows_affected() == moves.len() as u64 {
        Ok(())
    } else {
        Err(StoreError::Fenced {
            what: format!("a checkpoint of {}", consumer.name),
        })
    }
}

/// Returns the existing checkpoints of the given shards, in the order of the shards, as a transaction sees
/// them.
///
/// # Errors
/// When Postgres fails.
pub async fn read(
    transaction: &mut PgConnection,
    consumer: ConsumerId,
    shards: &[Shard],
) -> Result<Vec<(Shard, Position)>, StoreError> {
    let rows: Vec<(i16, i64)> = sqlx::query_as(
        "select shard, position from es.checkpoints \
         where consumer = $1 and generation = $2 and shard = any($3) order by shard",
    )
    .bind(consumer.name)
    .bind(consumer.generation)
    .bind(shards.iter().map(|s| s.0).collect::<Vec<_>>())
    .fetch_all(transaction)
    .await
    .map_err(StoreError::unavailable("reading checkpoints"))?;
    let checkpoints = rows.into_iter();
    Ok(checkpoints
        .map(|(shard, position)| (Shard(shard), Position(position)))
        .collect())
}
