//! Retries parked streams, each from the event at fault onwards; skipped ones too.
//!
//! The parked events of a stream are applied in order in one transaction, up to the first that still cannot
//! be applied. The transaction locks the checkpoint of the stream's shard, which every batch locks first.
//! So no batch parks a later event behind events that were just applied.

use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use crate::codec;
use crate::consume::consumer::{Consumer, passing};
use crate::consume::generation::{self, Access};
use crate::consume::source::ConsumerId;
use crate::envelope::{Positioned, Recorded, StoredEvent};
use crate::error::{StoreError, chain};
use crate::pool;

mod parked_events;

use self::parked_events::ParkedEvents;

/// The result of a retry of one parked stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retried {
    /// The number of the stream's events that were applied.
    pub applied: usize,
    /// The number of events that are still parked: the one at fault, and those that wait behind it.
    pub parked: usize,
}

/// Retries every parked stream of a generation once.
///
/// # Errors
/// When Postgres fails; the streams before the failure were retried then.
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

/// Retries one stream of a generation. Does nothing if the stream is not parked.
///
/// # Errors
/// [`StoreError::OtherVersion`] when code of another version writes this generation, and when Postgres
/// fails; the stream stays as it is then.
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
    let parked = ParkedEvents { id, stream };
    let mut transaction = pool::begin(pool).await.map_err(unavailable())?;
    generation::enter(&mut transaction, id, Access::Alone).await?;
    parked.lock_checkpoint(&mut transaction).await?;
    parked
        .check_version(&mut transaction, consumer.version())
        .await?;
    let events = parked.read(&mut transaction).await?;
    let mut applied = Vec::new();
    for stored in &events {
        let mut savepoint = transaction.begin().await.map_err(unavailable())?;
        match apply(&mut savepoint, consumer, stored).await? {
            Ok(event) => {
                savepoint.commit().await.map_err(unavailable())?;
                parked.remove(&mut transaction, stored.position).await?;
                applied.push(event);
            }
            Err(reason) => {
                savepoint.rollback().await.map_err(unavailable())?;
                parked
                    .record_failure(&mut transaction, stored.position, &reason)
                    .await?;
                break;
            }
        }
    }
    let retried = Retried {
        applied: applied.len(),
        parked: events.len() - applied.len(),
    };
    if retried.parked == 0 {
        parked.remove_skip(&mut transaction).await?;
    }
    transaction.commit().await.map_err(unavailable())?;
    tracing::info!(
        consumer = id.name,
        generation,
        stream.id = %stream,
        applied = retried.applied,
        parked = retried.parked,
        "a parked stream was retried"
    );
    consumer.committed(&applied);
    Ok(retried)
}

/// Applies one event. The inner error is the reason why it still cannot be applied.
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
