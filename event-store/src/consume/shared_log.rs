//! The log, read once for all that follow it in a process: consumers, and the reader for subscribers.
//!
//! The events that were read last are kept in memory, up to a number of bytes. One of the followers at the
//! end of these events reads the next batch from Postgres, and the others take it from memory. So any
//! number of followers at the end of the log cost one read a batch.
//!
//! The shared log makes these promises:
//! - a read gives exactly what Postgres would give: the events after a position, in order, none left out.
//!   Positions are dense and final, so events in memory are those of the log, for every position of a
//!   reader;
//! - a follower that is behind the events in memory reads from Postgres by itself, beside the others, until
//!   it reaches them. A slow follower delays no other;
//! - the memory is bounded, whatever followers do. Events that were given to a follower belong to that
//!   follower.
//!
//! Positions are given again only in another incarnation of the log. A reader names the one of its position, a read
//! fails in another, and the memory holds the events of one incarnation only. [`SharedLog::forget`] empties the
//! memory besides, whenever a follower has a reason to doubt its position. A consumer has one when it goes back to
//! its checkpoints, the reader for subscribers when it finds that the log went back.
//!
//! The shared log has no task of its own: the followers that wait for a batch read it. A future of
//! [`SharedLog::read`] must be polled or dropped, because others may wait for it. The shared log must never
//! decide how far a follower is: only checkpoints do.

use std::sync::{Arc, Mutex, MutexGuard};

use sqlx::PgPool;
use tokio::sync;

use crate::envelope::{Position, Positioned, StoredEvent};
use crate::error::StoreError;
use crate::incarnation::{IncarnationId, Incarnations};
use crate::log;

mod window;

use self::window::{Found, Window};

/// The number of events that are read from Postgres at once.
pub const PAGE: usize = 1_000;

/// The approximate number of bytes of events that are kept in memory.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// The log as the followers of a process read it. Cheap to clone, and every clone reads the same memory.
#[derive(Clone, Debug)]
pub struct SharedLog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    incarnations: Incarnations,
    memory: Mutex<Memory>,
    /// The lock that is held while the end is read.
    reading: sync::Mutex<()>,
}

/// The events in memory.
#[derive(Debug)]
struct Memory {
    /// The incarnation of the log that the events are of.
    incarnation: Option<IncarnationId>,
    window: Window,
}

/// The result of a read.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The next events, in order.
    pub events: Vec<Arc<Positioned<StoredEvent>>>,
    /// True if there may be more right after these events. If false, they were all that there were at the
    /// read. An event that gets a position later raises the signal for that.
    pub has_more: bool,
}

impl SharedLog {
    /// Returns the log of a database. Reads take connections of this pool. The incarnations may be looked up through
    /// another pool: one that reads only cannot begin an incarnation.
    #[must_use]
    pub fn new(pool: PgPool, incarnations: Incarnations) -> Self {
        Self::with_capacity(pool, incarnations, KEPT_BYTES)
    }

    /// Returns the log of a database, with another bound of the memory, in bytes.
    #[must_use]
    pub fn with_capacity(pool: PgPool, incarnations: Incarnations, bytes: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                incarnations,
                pool,
                memory: Mutex::new(Memory {
                    incarnation: None,
                    window: Window::new(bytes),
                }),
                reading: sync::Mutex::new(()),
            }),
        }
    }

    /// Returns the pool that reads take connections of.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    /// Returns the incarnation of the log that reads are of, as far as this process knows.
    ///
    /// # Errors
    /// [`StoreError::Standby`], and when Postgres fails.
    pub async fn incarnation(&self) -> Result<IncarnationId, StoreError> {
        Ok(self.inner.incarnations.known().await?.current().id)
    }

    /// Returns the incarnations of the log.
    #[must_use]
    pub fn incarnations(&self) -> &Incarnations {
        &self.inner.incarnations
    }

    /// Returns the next events after a position of this incarnation, at most `limit`, from memory if they are there.
    ///
    /// # Errors
    /// [`StoreError::OtherIncarnation`]: then [`SharedLog::incarnation`] tells the one to begin again in. When Postgres
    /// fails.
    pub async fn read(
        &self,
        incarnation: IncarnationId,
        after: Position,
        limit: usize,
    ) -> Result<Read, StoreError> {
        let read = self.read_in(incarnation, after, limit).await;
        if let Err(StoreError::OtherIncarnation) = read {
            self.inner.incarnations.after(incarnation).await?;
        }
        read
    }

    async fn read_in(
        &self,
        incarnation: IncarnationId,
        after: Position,
        limit: usize,
    ) -> Result<Read, StoreError> {
        let (found, asked) = {
            let memory = self.memory_of(incarnation)?;
            let window = &memory.window;
            // A read of the end that begins later shows whatever was committed before now.
            (window.find(after, limit), window.reads_begun())
        };
        match found {
            Found::Here(read) => return Ok(read),
            Found::Before => return self.read_alone(incarnation, after, limit).await,
            Found::Beyond => {}
        }
        let reading = self.inner.reading.lock().await;
        // Another follower may have read the events meanwhile.
        let begun = {
            let mut memory = self.memory_of(incarnation)?;
            let window = &mut memory.window;
            match window.find(after, limit) {
                Found::Here(read) => return Ok(read),
                Found::Before => None,
                Found::Beyond if window.was_end(after, asked) => return Ok(Read::default()),
                Found::Beyond => Some(window.begin_read()),
            }
        };
        let Some(begun) = begun else {
            drop(reading);
            return self.read_alone(incarnation, after, limit).await;
        };
        let events = self.read_page(incarnation, after, PAGE).await?;
        let read = Read {
            has_more: events.len() > limit || events.len() >= PAGE,
            events: events.iter().take(limit).cloned().collect(),
        };
        // Another incarnation may have begun meanwhile: its memory takes nothing of this one.
        self.memory_of(incarnation)?
            .window
            .extend(begun, after, events);
        Ok(read)
    }

    /// Empties the memory. A read that is in progress adds nothing to it any more.
    pub fn forget(&self) {
        self.memory().window.forget();
    }

    async fn read_alone(
        &self,
        incarnation: IncarnationId,
        after: Position,
        limit: usize,
    ) -> Result<Read, StoreError> {
        let events = self.read_page(incarnation, after, limit).await?;
        Ok(Read {
            has_more: events.len() >= limit,
            events,
        })
    }

    async fn read_page(
        &self,
        incarnation: IncarnationId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Positioned<StoredEvent>>>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = log::read_in(&self.inner.pool, incarnation, after, limit).await?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// Returns the memory for a reader in an incarnation. It is emptied for the first reader in a new one, and is
    /// closed to readers in an old one.
    fn memory_of(&self, incarnation: IncarnationId) -> Result<MutexGuard<'_, Memory>, StoreError> {
        let mut memory = self.memory();
        if memory.incarnation != Some(incarnation) {
            let known = self.inner.incarnations.peek();
            if known.is_some_and(|known| known.current().id != incarnation) {
                return Err(StoreError::OtherIncarnation);
            }
            memory.window.forget();
            memory.incarnation = Some(incarnation);
        }
        Ok(memory)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.inner.memory.lock().expect("no holder panics")
    }
}

impl From<PgPool> for SharedLog {
    fn from(pool: PgPool) -> Self {
        let incarnations = Incarnations::of(pool.clone());
        Self::new(pool, incarnations)
    }
}
