//! Applies a batch: its rows and its checkpoints in one transaction.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use sqlx::{Connection, PgConnection, PgPool};

use super::{ApplyError, Consumer};
use crate::codec;
use crate::consume::checkpoint;
use crate::consume::generation::{self, Access};
use crate::consume::parked::ParkedStreams;
use crate::consume::source::{Batch, ConsumerId};
use crate::envelope::{Positioned, Recorded, StoredEvent};
use crate::error::StoreError;
use crate::pool;

/// Applies one batch: all of it, or none of it.
///
/// # Errors
/// [`StoreError::Fenced`] when another worker has applied a part of it, [`StoreError::Unavailable`]
/// when Postgres fails; then nothing was written.
pub async fn apply_batch(
    pool: &PgPool,
    consumer: &dyn Consumer,
    batch: &Batch,
) -> Result<(), StoreError> {
    let started = Instant::now();
    let name = consumer.name();
    let applied = match try_batch(pool, consumer, batch, Care::Fast).await {
        Err(Failure::Poison) => try_batch(pool, consumer, batch, Care::EventByEvent).await,
        other => other,
    };
    match applied {
        Ok(events) => {
            consumer.committed(&events);
            metrics::histogram!("clustergenie_consumer_batch_seconds", "consumer" => name)
                .record(started.elapsed().as_secs_f64());
            metrics::counter!("clustergenie_consumer_events_total", "consumer" => name)
                .increment(events.len() as u64);
            Ok(())
        }
        Err(Failure::Store(error)) => Err(error),
        Err(Failure::Poison) => Err(StoreError::Unavailable {
            doing: "applying events one by one",
            source: sqlx::Error::Protocol("an event was refused outside its savepoint".into()),
        }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// All events at once; nothing is written if one of them cannot be applied.
    Fast,
    /// A savepoint for each event; an event that cannot be applied is parked.
    EventByEvent,
}

enum Failure {
    Store(StoreError),
    Poison,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn try_batch(
    pool: &PgPool,
    consumer: &dyn Consumer,
    batch: &Batch,
    care: Care,
) -> Result<Vec<Positioned<Recorded>>, Failure> {
    let id = ConsumerId {
        name: consumer.name(),
        generation: batch.generation,
    };
    let unavailable = || StoreError::unavailable("applying events");
    let mut transaction = pool::begin(pool).await.map_err(unavailable())?;
    let access = match care {
        Care::Fast => Access::Together,
        Care::EventByEvent => Access::Alone,
    };
    generation::enter(&mut transaction, id, access).await?;
    // Before anything is applied, so that a stale worker is fenced before it works, and a second worker
    // waits until the first has committed.
    checkpoint::advance(&mut transaction, id, batch.incarnation, &batch.moves).await?;
    let mut parked = ParkedStreams::load(&mut transaction, id, &batch.events).await?;
    let mut events = Vec::with_capacity(batch.events.len());
    for stored in &batch.events {
        if let Some(event) = admit(&mut transaction, &mut parked, stored).await? {
            events.push(event);
        }
    }
    match care {
        Care::Fast => match apply(consumer, &mut transaction, &events).await {
            Ok(()) => {}
            Err(error) if error.is_passing() => return Err(passing(error).into()),
            Err(_) => return Err(Failure::Poison),
        },
        Care::EventByEvent => {
            events = apply_each(&mut transaction, consumer, &mut parked, events).await?;
        }
    }
    transaction.commit().await.map_err(unavailable())?;
    Ok(events)
}

/// Decodes an event that may be applied. Parks an event that does not decode or whose stream is parked.
async fn admit(
    transaction: &mut PgConnection,
    parked: &mut ParkedStreams,
    stored: &Positioned<StoredEvent>,
) -> Result<Option<Positioned<Recorded>>, StoreError> {
    let (stream, position) = (stored.event.stream, stored.position);
    if parked.contains(stream) {
        parked.park_behind(transaction, stream, position).await?;
        return Ok(None);
    }
    match codec::decode(&stored.event) {
        Ok(event) => Ok(Some(Positioned { position, event })),
        Err(error) => {
            parked.park(transaction, stream, position, &error).await?;
            Ok(None)
        }
    }
}

async fn apply_each(
    transaction: &mut PgConnection,
    consumer: &dyn Consumer,
    parked: &mut ParkedStreams,
    events: Vec<Positioned<Recorded>>,
) -> Result<Vec<Positioned<Recorded>>, StoreError> {
    let unavailable = || StoreError::unavailable("applying an event");
    let mut applied = Vec::with_capacity(events.len());
    for event in events {
        let (stream, position) = (event.event.stream, event.position);
        if parked.contains(stream) {
            parked.park_behind(transaction, stream, position).await?;
            continue;
        }
        let mut savepoint = transaction.begin().await.map_err(unavailable())?;
        match apply(consumer, &mut savepoint, std::slice::from_ref(&event)).await {
            Ok(()) => {
                savepoint.commit().await.map_err(unavailable())?;
                applied.push(event);
            }
            Err(error) if error.is_passing() => return Err(passing(error)),
            Err(error) => {
                savepoint.rollback().await.map_err(unavailable())?;
                parked.park(transaction, stream, position, &error).await?;
            }
        }
    }
    Ok(applied)
}

/// Lets the consumer apply events. A panic counts as a fault of the events, so that it parks one stream instead of
/// ending the process again and again. What was written until then is rolled back by the caller.
async fn apply(
    consumer: &dyn Consumer,
    transaction: &mut PgConnection,
    events: &[Positioned<Recorded>],
) -> Result<(), ApplyError> {
    let applying = AssertUnwindSafe(consumer.apply(transaction, events));
    let applied = applying.catch_unwind().await;
    applied.unwrap_or_else(|_| {
        Err(ApplyError::Event(
            "the program panicked at this event; its log has the place".to_owned(),
        ))
    })
}

/// Returns the store's error for a transient failure: one that is not the event's fault.
pub(crate) fn passing(error: ApplyError) -> StoreError {
    let source = match error {
        ApplyError::Rows(source) => source,
        ApplyError::Event(text) => sqlx::Error::Protocol(text),
    };
    StoreError::unavailable("applying events")(source)
}
