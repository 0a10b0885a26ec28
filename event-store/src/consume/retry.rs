//! Tries parked streams again, each from the event at fault onwards; those that were skipped, too.
//!
//! The parked events of a stream are applied in order in one transaction, up to the first that still
//! cannot be. The transaction holds the checkpoint of the stream's shard, which every batch takes
//! first: so no batch lets a later event wait behind a line that has just been cleared.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use uuid::Uuid;

use crate::codec;
use crate::consume::consumer::{Consumer, passing};
use crate::consume::generation::{self, Access};
use crate::consume::parked::chain;
use crate::consume::source::ConsumerId;
use crate::envelope::{Position, Positioned, Recorded, StoredEvent};
use crate::error::StoreError;
use crate::log;
use crate::pool;

/// What became of a parked stream that was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retried {
    /// How many of its events were applied.
    pub applied: usize,
    /// How many are still parked: the one at fault, and those that wait behind it.
    pub parked: usize,
}

/// Tries every parked stream of a generation once.
///
/// # Errors
/// When Postgres fails; the streams that were tried before stay as they are then.
pub async fn parked(
    pool: &PgPool,
    consumer: &dyn Consumer,
    generation: i32,
) -> Result<(), StoreError> {
    let streams: Vec<Uuid> = sqlx::query_scalar(
        "select stream_id from es.parked where consumer = $1 and generation = $2 \
         group by stream_id order by min(position)",
    )
    .bind(consumer.name())
    .bind(generation)
    .fetch_all(pool)
    .await
    .map_err(StoreError::unavailable("listing parked streams"))?;
    for stream in streams {
        self::stream(pool, consumer, generation, stream).await?;
    }
    Ok(())
}

/// Tries one stream of a generation; does nothing when it is not parked.
///
/// # Errors
/// [`StoreError::OtherVersion`] when code of another version writes this generation, and when Postgres fails;
/// the stream stays as it is then.
pub async fn stream(
    pool: &PgPool,
    consumer: &dyn Consumer,
    generation: i32,
    stream: Uuid,
) -> Result<Retried, StoreError> {
    let id = ConsumerId {
        name: consumer.name(),
        generation,
    };
    let line = Line { id, stream };
    let mut transaction = pool::begin(pool).await.map_err(unavailable())?;
    generation::enter(&mut transaction, id, Access::Alone).await?;
    line.hold_checkpoint(&mut transaction).await?;
    line.is_of_version(&mut transaction, consumer.version())
        .await?;
    let parked = line.events(&mut transaction).await?;
    let mut applied = Vec::new();
    for stored in &parked {
        let mut savepoint = transaction.begin().await.map_err(unavailable())?;
        match apply(&mut savepoint, consumer, stored).await? {
            Ok(event) => {
                savepoint.commit().await.map_err(unavailable())?;
                line.clear(&mut transaction, stored.position).await?;
                applied.push(event);
            }
            Err(reason) => {
                savepoint.rollback().await.map_err(unavailable())?;
                line.failed_again(&mut transaction, stored.position, &reason)
                    .await?;
                break;
            }
        }
    }
    let retried = Retried {
        applied: applied.len(),
        parked: parked.len() - applied.len(),
    };
    if retried.parked == 0 {
        line.is_not_skipped(&mut transaction).await?;
    }
    transaction.commit().await.map_err(unavailable())?;
    tracing::info!(
        consumer = id.name,
        generation,
        stream.id = %stream,
        applied = retried.applied,
        parked = retried.parked,
        "a parked stream was tried again"
    );
    consumer.committed(&applied);
    Ok(retried)
}

/// The parked events of one stream.
struct Line {
    id: ConsumerId,
    stream: Uuid,
}

impl Line {
    /// A statement whose first three parameters are the consumer, the generation and the stream.
    fn about(&self, sql: &'static str) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(sql)
            .bind(self.id.name)
            .bind(self.id.generation)
            .bind(self.stream)
    }

    async fn hold_checkpoint(&self, transaction: &mut PgConnection) -> Result<(), StoreError> {
        let hold = self.about(
            "select 1 from es.checkpoints c where c.consumer = $1 and c.generation = $2 \
             and c.shard = (select shard from es.events where stream_id = $3 and version = 1) \
             for no key update",
        );
        execute(hold, transaction).await
    }

    /// Code of another version would mix its rows with those that are there.
    async fn is_of_version(
        &self,
        transaction: &mut PgConnection,
        ours: i32,
    ) -> Result<(), StoreError> {
        let found: Option<i32> = sqlx::query_scalar(
            "select version from es.generations where consumer = $1 and generation = $2 \
             and state in ('SERVING', 'BUILDING')",
        )
        .bind(self.id.name)
        .bind(self.id.generation)
        .fetch_optional(transaction)
        .await
        .map_err(unavailable())?;
        match found {
            Some(found) if found == ours => Ok(()),
            Some(found) => Err(StoreError::OtherVersion {
                consumer: self.id.name,
                found,
                ours,
            }),
            None => Err(StoreError::Fenced {
                what: format!("generation {} of {}", self.id.generation, self.id.name),
            }),
        }
    }

    async fn events(
        &self,
        transaction: &mut PgConnection,
    ) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
        let positions: Vec<i64> = sqlx::query_scalar(
            "select position from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3",
        )
        .bind(self.id.name)
        .bind(self.id.generation)
        .bind(self.stream)
        .fetch_all(&mut *transaction)
        .await
        .map_err(unavailable())?;
        log::read_at(transaction, &positions).await
    }

    async fn clear(
        &self,
        transaction: &mut PgConnection,
        position: Position,
    ) -> Result<(), StoreError> {
        let clear = self.about(
            "delete from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3 and position = $4",
        );
        execute(clear.bind(position.0), transaction).await
    }

    async fn failed_again(
        &self,
        transaction: &mut PgConnection,
        position: Position,
        reason: &str,
    ) -> Result<(), StoreError> {
        let note = self.about(
            "update es.parked set error = $5, attempts = attempts + 1, last_at = clock_timestamp() \
             where consumer = $1 and generation = $2 and stream_id = $3 and position = $4",
        );
        execute(note.bind(position.0).bind(reason.to_owned()), transaction).await
    }

    async fn is_not_skipped(&self, transaction: &mut PgConnection) -> Result<(), StoreError> {
        let forget = self.about(
            "delete from es.skipped where consumer = $1 and generation = $2 and stream_id = $3",
        );
        execute(forget, transaction).await
    }
}

async fn execute(
    statement: Query<'static, Postgres, PgArguments>,
    transaction: &mut PgConnection,
) -> Result<(), StoreError> {
    statement
        .execute(transaction)
        .await
        .map(|_| ())
        .map_err(unavailable())
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
