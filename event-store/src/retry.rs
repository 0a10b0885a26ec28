//! Tries parked streams again, each from the event at fault onwards.
//!
//! The parked events of a stream are applied in order in one transaction, up to the first that still
//! cannot be. The transaction holds the checkpoint of the stream's shard, which every batch takes
//! first: so no batch lets a later event wait behind a line that has just been cleared.

use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use crate::codec;
use crate::consumer::{Consumer, passing};
use crate::envelope::{Positioned, Recorded, StoredEvent};
use crate::error::StoreError;
use crate::log;
use crate::parked::chain;

/// Tries every parked stream of a consumer once.
///
/// # Errors
/// When Postgres fails; the streams that were tried before stay as they are then.
pub async fn parked(pool: &PgPool, consumer: &dyn Consumer) -> Result<(), StoreError> {
    let id = consumer.id();
    let streams: Vec<Uuid> = sqlx::query_scalar(
        "select stream_id from es.parked where consumer = $1 and generation = $2 \
         group by stream_id order by min(position)",
    )
    .bind(id.name)
    .bind(id.generation)
    .fetch_all(pool)
    .await
    .map_err(StoreError::unavailable("listing parked streams"))?;
    for stream in streams {
        let mut transaction = pool.begin().await.map_err(unavailable())?;
        let applied = retry_stream(&mut transaction, consumer, stream).await?;
        transaction.commit().await.map_err(unavailable())?;
        tracing::info!(
            consumer = id.name,
            stream.id = %stream,
            events = applied.len(),
            "a parked stream was tried again"
        );
        consumer.committed(&applied);
    }
    Ok(())
}

async fn retry_stream(
    transaction: &mut PgConnection,
    consumer: &dyn Consumer,
    stream: Uuid,
) -> Result<Vec<Positioned<Recorded>>, StoreError> {
    let id = consumer.id();
    sqlx::query(
        "select 1 from es.checkpoints c where c.consumer = $1 and c.generation = $2 and c.shard = \
             (select shard from es.events where stream_id = $3 and version = 1) for no key update",
    )
    .bind(id.name)
    .bind(id.generation)
    .bind(stream)
    .execute(&mut *transaction)
    .await
    .map_err(unavailable())?;
    let positions: Vec<i64> = sqlx::query_scalar(
        "select position from es.parked where consumer = $1 and generation = $2 and stream_id = $3",
    )
    .bind(id.name)
    .bind(id.generation)
    .bind(stream)
    .fetch_all(&mut *transaction)
    .await
    .map_err(unavailable())?;
    let mut applied = Vec::new();
    for stored in log::read_at(transaction, &positions).await? {
        let mut savepoint = transaction.begin().await.map_err(unavailable())?;
        let row = Row {
            consumer,
            stream,
            position: stored.position.0,
        };
        match apply(&mut savepoint, consumer, &stored).await? {
            Ok(event) => {
                savepoint.commit().await.map_err(unavailable())?;
                row.delete(transaction).await?;
                applied.push(event);
            }
            Err(reason) => {
                savepoint.rollback().await.map_err(unavailable())?;
                row.failed_again(transaction, &reason).await?;
                break;
            }
        }
    }
    Ok(applied)
}

/// One parked event.
struct Row<'a> {
    consumer: &'a dyn Consumer,
    stream: Uuid,
    position: i64,
}

impl Row<'_> {
    async fn delete(&self, transaction: &mut PgConnection) -> Result<(), StoreError> {
        let id = self.consumer.id();
        sqlx::query(
            "delete from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3 and position = $4",
        )
        .bind(id.name)
        .bind(id.generation)
        .bind(self.stream)
        .bind(self.position)
        .execute(transaction)
        .await
        .map_err(unavailable())?;
        Ok(())
    }

    async fn failed_again(
        &self,
        transaction: &mut PgConnection,
        reason: &str,
    ) -> Result<(), StoreError> {
        let id = self.consumer.id();
        sqlx::query(
            "update es.parked set error = $5, attempts = attempts + 1, last_at = clock_timestamp() \
             where consumer = $1 and generation = $2 and stream_id = $3 and position = $4",
        )
        .bind(id.name)
        .bind(id.generation)
        .bind(self.stream)
        .bind(self.position)
        .bind(reason)
        .execute(transaction)
        .await
        .map_err(unavailable())?;
        Ok(())
    }
}

/// Applies one event; the inner error says why it still cannot be.
async fn apply(
    savepoint: &mut PgConnection,
    consumer: &dyn Consumer,
    stored: &Positioned<StoredEvent>,
) -> Result<Result<Positioned<Recorded>, String>, StoreError> {
    let event = match codec::decode(&stored.event) {
        Ok(event) => Positioned {
            position: stored.position,
            event,
        },
        Err(error) => return Ok(Err(chain(&error))),
    };
    match consumer
        .apply(savepoint, std::slice::from_ref(&event))
        .await
    {
        Ok(()) => Ok(Ok(event)),
        Err(error) if error.is_passing() => Err(passing(error)),
        Err(error) => Ok(Err(chain(&error))),
    }
}

fn unavailable() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::unavailable("trying a parked stream again")
}
