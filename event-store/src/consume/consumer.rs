//! Runs a consumer over a source: rows and checkpoint in one transaction, again and again.
//!
//! A worker that was paused, or that lost its partition, cannot do harm: its checkpoint does not move
//! any more, and its transaction is rolled back. An event that cannot be applied is parked with its
//! stream ([`crate::consume::parked`]); nothing else stops.

use std::time::Instant;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::codec;
use crate::consume::checkpoint;
use crate::consume::generation::{self, Access};
use crate::consume::parked::ParkedStreams;
use crate::consume::source::{Batch, ConsumerId, Source};
use crate::envelope::{Positioned, Recorded, StoredEvent};
use crate::error::StoreError;
use crate::pool;

mod runner;

use self::runner::Runner;

/// Whoever follows recorded events: a projection, or the to-do list of a process manager.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Its name, such as `droplets`: whose checkpoints these are.
    fn name(&self) -> &'static str;

    /// The version of what it makes of events. Raise it when the same events are to give other rows: its
    /// tables are then rebuilt from the first event on.
    fn version(&self) -> i32;

    /// How its tables are rebuilt.
    fn rebuild(&self) -> Rebuild {
        Rebuild::BesideServing
    }

    /// The streams whose events it wants.
    fn stream_types(&self) -> &'static [StreamType];

    /// Writes what the events mean, within the given transaction and nowhere else. The events are in
    /// order within each stream, and none of them was applied before. Tables that have generations are
    /// to be called by their bare names: the transaction finds those of the right one.
    ///
    /// # Errors
    /// [`ApplyError`]; the transaction is rolled back.
    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError>;

    /// Hears of what has just been committed, for waking others; must not fail or block.
    fn committed(&self, _events: &[Positioned<Recorded>]) {}
}

/// How the tables of a consumer are rebuilt when its version was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// As tables of a new generation, which are filled beside those that serve and then take their place. For
    /// what clients read.
    BesideServing,
    /// In the same tables: they are cleared, and the consumer applies all events again. Until it has caught
    /// up they show an earlier state of things. For lists that only this program works off.
    InPlace {
        /// The statement that clears them. It names the tables with their schema.
        clear: &'static str,
    },
}

/// Why events were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Postgres refused or failed. Refusals of the data itself park the stream, others are retried.
    #[error("the rows could not be written")]
    Rows(#[from] sqlx::Error),
    /// The event makes no sense here; parks the stream.
    #[error("{0}")]
    Event(String),
}

impl ApplyError {
    /// Whether trying again could help: if not, the event is at fault.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Event(_) => false,
            Self::Rows(sqlx::Error::Database(error)) => {
                // Class 22 data exception, 23 integrity violation, P0 raised by a function: the
                // event's own fault. Everything else (locks, shutdown, disk, missing table) passes.
                !error
                    .code()
                    .is_some_and(|code| matches!(&code[..2], "22" | "23" | "P0"))
            }
            Self::Rows(sqlx::Error::Encode(_)) => false,
            Self::Rows(_) => true,
        }
    }
}

/// Applies batches until `stop`, to the generation that serves, retrying for ever with growing pauses when
/// something fails. Tries parked streams first: this program may know what the one that parked them did not.
pub async fn run(
    pool: PgPool,
    consumer: &dyn Consumer,
    source: &mut dyn Source,
    stop: CancellationToken,
) {
    stop.run_until_cancelled(Runner::new(&pool, consumer).run(source))
        .await;
}

/// Applies one batch: all of it, or none of it.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody else has applied a part of it, [`StoreError::Unavailable`]
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
    /// All events at once; nothing is written when one of them is at fault.
    Fast,
    /// A savepoint an event: the one at fault is parked.
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
    // Before anything is applied, so that a stale worker is turned away before it works, and a second
    // worker waits for the first to commit.
    checkpoint::advance(&mut transaction, id, &batch.moves).await?;
    let mut parked = ParkedStreams::load(&mut transaction, id, &batch.events).await?;
    let mut events = Vec::with_capacity(batch.events.len());
    for stored in &batch.events {
        if let Some(event) = admit(&mut transaction, &mut parked, stored).await? {
            events.push(event);
        }
    }
    match care {
        Care::Fast => match consumer.apply(&mut transaction, &events).await {
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

/// Decodes an event that may be applied; parks one that does not decode or whose stream is parked.
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
        match consumer
            .apply(&mut savepoint, std::slice::from_ref(&event))
            .await
        {
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

/// A failure that is not the event's fault, as the store's.
pub(crate) fn passing(error: ApplyError) -> StoreError {
    let source = match error {
        ApplyError::Rows(source) => source,
        ApplyError::Event(text) => sqlx::Error::Protocol(text),
    };
    StoreError::Unavailable {
        doing: "applying events",
        source,
    }
}
