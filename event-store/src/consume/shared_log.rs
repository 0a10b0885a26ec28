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
//! Positions are given again only when the database was restored. So [`SharedLog::forget`] empties the
//! memory whenever a follower has a reason to doubt its position. A consumer has one when it goes back to
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
    window: Mutex<Window>,
    /// The lock that is held while the end is read.
    reading: sync::Mutex<()>,
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
    /// Returns the log of a database. Reads take connections of this pool.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::with_capacity(pool, KEPT_BYTES)
    }

    /// Returns the log of a database, with another bound of the memory, in bytes.
    #[must_use]
    pub fn with_capacity(pool: PgPool, bytes: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                pool,
                window: Mutex::new(Window::new(bytes)),
                reading: sync::Mutex::new(()),
            }),
        }
    }

    /// Returns the pool that reads take connections of.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    /// Returns the next events after a position, at most `limit`, from memory if they are there.
    ///
    /// # Errors
    /// When Postgres fails.
    pub async fn read(&self, after: Position, limit: usize) -> Result<Read, StoreError> {
        let (found, asked) = {
            let window = self.window();
            // A read of the end that begins later shows whatever was committed before now.
            (window.find(after, limit), window.reads_begun())
        };
        match found {
            Found::Here(read) => return Ok(read),
            Found::Before => return self.read_alone(after, limit).await,
            Found::Beyond => {}
        }
        let reading = self.inner.reading.lock().await;
        // Another follower may have read the events meanwhile.
        let begun = {
            let mut window = self.window();
            match window.find(after, limit) {
                Found::Here(read) => return Ok(read),
                Found::Before => None,
                Found::Beyond if window.was_end(after, asked) => return Ok(Read::default()),
                Found::Beyond => Some(window.begin_read()),
            }
        };
        let Some(begun) = begun else {
            drop(reading);
            return self.read_alone(after, limit).await;
        };
        let events = self.read_page(after, PAGE).await?;
        let read = Read {
            has_more: events.len() > limit || events.len() >= PAGE,
            events: events.iter().take(limit).cloned().collect(),
        };
        self.window().extend(begun, after, events);
        Ok(read)
    }

    /// Empties the memory. A read that is in progress adds nothing to it any more.
    pub fn forget(&self) {
        self.window().forget();
    }

    async fn read_alone(&self, after: Position, limit: usize) -> Result<Read, StoreError> {
        let events = self.read_page(after, limit).await?;
        Ok(Read {
            has_more: events.len() >= limit,
            events,
        })
    }

    async fn read_page(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Positioned<StoredEvent>>>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = log::read(&self.inner.pool, after, limit).await?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.inner.window.lock().expect("no holder panics")
    }
}

impl From<PgPool> for SharedLog {
    fn from(pool: PgPool) -> Self {
        Self::new(pool)
    }
}
