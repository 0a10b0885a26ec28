//! Wakes those who wait for new events. A lost hint costs a bounded delay, never an event: whoever
//! wakes looks at the database, and a hint says only that looking is worth it. So it is with listening
//! itself: everybody who may log in to Postgres may announce anything, and whoever hears that the log grew
//! looks where it ends.
//!
//! Who works anyway looks by itself every [`POLL`] too. Who only waits, such as the reader for
//! subscribers, need not, because the hint [`Hint::Sequenced`] of another process is lost in no other
//! way than these, and each is found out:
//!
//! - The listening connection breaks: a new one listens first, and then looks once where the log ends.
//! - It breaks without anybody noticing, or nobody announces any more: announcers repeat themselves
//!   every [`HEARTBEAT`], and who hears nothing for [`SILENCE`] takes the connection for broken.
//! - The sequencer's process ends between its commit and the announcement, or cannot send it: whoever
//!   announces, also one that only stands by, tells where the log ends by Postgres, not by itself.
//!
//! So a hint is late by [`SILENCE`] and a new connection at most, which waits for no answer longer than
//! [`ANSWER`], and idle processes that wait send nothing.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::StoreError;
use crate::log;

/// How long a waiter sleeps at most when hints come from other processes and may be lost.
pub const POLL: Duration = Duration::from_secs(1);

/// How often the log's end is announced again when it did not change.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// After how long without any announcement of the log's end its listening connection counts as broken.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How long Postgres may take to answer what is asked for the sake of a hint, before its connection counts
/// as broken.
pub const ANSWER: Duration = Duration::from_secs(5);

/// The patience of a waiter to whom every hint comes, sooner or later: of this process, or by
/// [`listen`].
pub const UNTIL_HINTED: Duration = Duration::MAX;

/// Hints of other processes are sent at most this often: a notification takes a cluster-wide lock at
/// commit, so it has a connection of its own and is never part of a command.
const DEBOUNCE: Duration = Duration::from_millis(5);

/// Pause before a lost listening connection is tried again.
const RECONNECT: Duration = Duration::from_millis(500);

/// Something that grows, and those who wait for it to grow. It falls only when a database that was restored
/// to an earlier point shows that it was too high.
#[derive(Clone, Debug)]
pub struct Signal {
    value: Arc<watch::Sender<i64>>,
}

impl Signal {
    /// A signal that nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Raises the value; wakes the waiters only when it grows.
    pub fn raise_to(&self, value: i64) {
        self.value.send_if_modified(|current| {
            let grows = value > *current;
            *current = value.max(*current);
            grows
        });
    }

    /// Sets the value to what was found by looking, which began when the value was `before`. What grew
    /// meanwhile stays; but what is now less than it was before has gone back, and the value falls.
    pub fn found(&self, before: i64, found: i64) {
        self.value.send_if_modified(|current| {
            let fell = found < before && *current == before;
            let changes = fell || found > *current;
            if changes {
                *current = found;
            }
            changes
        });
    }

    /// Raises the value by one.
    pub fn raise(&self) {
        self.value.send_modify(|current| *current += 1);
    }

    /// The value now.
    #[must_use]
    pub fn value(&self) -> i64 {
        *self.value.borrow()
    }

    /// Waits until the value is above `seen`, at most `patience`.
    pub async fn above(&self, seen: i64, patience: Duration) {
        let mut receiver = self.value.subscribe();
        // An error would mean that the sender is gone, and `self` holds it; a timeout is a poll.
        let _ = timeout(patience, receiver.wait_for(|value| *value > seen)).await;
    }

    /// Waits until the value is above `seen`, or has fallen since it was `known`, at most `patience`.
    pub async fn above_or_fallen(&self, seen: i64, known: i64, patience: Duration) {
        let mut receiver = self.value.subscribe();
        let moved = receiver.wait_for(|value| *value > seen || *value < known);
        // As above.
        let _ = timeout(patience, moved).await;
    }
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}

/// The hints of a process.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    /// Raised after every append: the sequencer has work.
    pub appended: Signal,
    /// The last known position of the log: readers of the log have work.
    pub sequenced: Signal,
    /// Raised after every commit of a read model: whoever waits for what it shows may look again.
    pub applied: Signal,
}

/// Which hint crosses to other processes.
#[derive(Clone, Copy, Debug)]
pub enum Hint {
    /// [`Wake::appended`].
    Appended,
    /// [`Wake::sequenced`].
    Sequenced,
    /// [`Wake::applied`].
    Applied,
}

impl Hint {
    fn channel(self) -> &'static str {
        match self {
            Self::Appended => "clustergenie_appended",
            Self::Sequenced => "clustergenie_sequenced",
            Self::Applied => "clustergenie_applied",
        }
    }

    /// How often it is sent again when nothing changes. The others need no such thing: who waits for
    /// them looks by itself.
    fn heartbeat(self) -> Option<Duration> {
        match self {
            Self::Sequenced => Some(HEARTBEAT),
            Self::Appended | Self::Applied => None,
        }
    }

    fn signal(self, wake: &Wake) -> &Signal {
        match self {
            Self::Appended => &wake.appended,
            Self::Sequenced => &wake.sequenced,
            Self::Applied => &wake.applied,
        }
    }
}

/// Tells other processes about a hint of this one until `stop`.
pub async fn announce(pool: PgPool, wake: Wake, hint: Hint, stop: CancellationToken) {
    let signal = hint.signal(&wake);
    let mut told = signal.value();
    while !stop.is_cancelled() {
        tokio::select! {
            () = signal.above(told, hint.heartbeat().unwrap_or(UNTIL_HINTED)) => {}
            () = stop.cancelled() => return,
        }
        let value = signal.value();
        if value > told || hint.heartbeat().is_some() {
            match notify(&pool, hint).await {
                Ok(()) => told = value,
                Err(error) => tracing::debug!(%error, "a hint to other processes was not sent"),
            }
            tokio::time::sleep(DEBOUNCE).await;
        }
    }
}

/// Tells other processes once that a read model has committed: for a process that does so now and then, and
/// announces nothing else.
///
/// # Errors
/// When Postgres fails. The others look by themselves soon.
pub async fn tell_applied(pool: &PgPool) -> Result<(), sqlx::Error> {
    notify(pool, Hint::Applied).await
}

async fn notify(pool: &PgPool, hint: Hint) -> Result<(), sqlx::Error> {
    let statement = match hint {
        // Counters of different processes are not comparable; only that it happened counts.
        Hint::Appended | Hint::Applied => "select pg_notify($1, '')",
        // Not what this process knows: it may be one that stands by.
        Hint::Sequenced => "select pg_notify($1, position::text) from es.log_head",
    };
    let mut connection = pool.acquire().await?;
    let notified = sqlx::query(statement)
        .bind(hint.channel())
        .execute(&mut *connection);
    let answer = timeout(ANSWER, notified).await;
    answer.unwrap_or_else(|_| {
        // The pool would wait for the answer too.
        drop(connection.detach());
        Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()))
    })?;
    Ok(())
}

/// Takes in a hint of other processes until `stop`; reconnects for ever, also when a hint that is sent
/// every [`HEARTBEAT`] was not heard for `silence`.
pub async fn listen(
    pool: PgPool,
    wake: Wake,
    hint: Hint,
    silence: Duration,
    stop: CancellationToken,
) {
    let silence = hint.heartbeat().map_or(UNTIL_HINTED, |_| silence);
    while !stop.is_cancelled() {
        tokio::select! {
            Err(lost) = listen_once(&pool, &wake, hint, silence) => {
                tracing::debug!(
                    error = &lost as &dyn std::error::Error,
                    "the listening connection was lost"
                );
            }
            () = stop.cancelled() => return,
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn listen_once(
    pool: &PgPool,
    wake: &Wake,
    hint: Hint,
    silence: Duration,
) -> Result<Infallible, Lost> {
    let signal = hint.signal(wake);
    let mut listener = timeout(ANSWER, listener(pool, hint))
        .await
        .map_err(|_| Lost::Silent)??;
    // Whatever was announced while nobody listened.
    match hint {
        Hint::Appended | Hint::Applied => signal.raise(),
        Hint::Sequenced => look(pool, signal).await?,
    }
    loop {
        let heard = timeout(silence, listener.try_recv()).await;
        // `None` is a connection that broke and was made again by itself: something may be lost.
        let Some(notification) = heard.map_err(|_| Lost::Silent)?? else {
            return Err(Lost::Broken);
        };
        match hint {
            Hint::Appended | Hint::Applied => signal.raise(),
            Hint::Sequenced => {
                let announced = notification.payload().parse::<i64>();
                if announced.is_ok_and(|announced| announced != signal.value()) {
                    look(pool, signal).await?;
                }
            }
        }
    }
}

/// Listens by a connection that is nobody else's: what becomes of one that does not answer must not take
/// the room of others in the pool.
async fn listener(pool: &PgPool, hint: Hint) -> Result<PgListener, sqlx::Error> {
    let own = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(pool.connect_options().as_ref().clone());
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(hint.channel()).await?;
    Ok(listener)
}

/// Looks where the log ends.
async fn look(pool: &PgPool, sequenced: &Signal) -> Result<(), Lost> {
    let before = sequenced.value();
    let head = timeout(ANSWER, log::head(pool)).await;
    let head = head.map_err(|_| Lost::Silent)?.map_err(Lost::Look)?;
    sequenced.found(before, head.0);
    Ok(())
}

/// Why one listens anew.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("it broke")]
    Broken,
    #[error("nothing was heard for too long")]
    Silent,
    #[error("it cannot be made or used")]
    Postgres(#[from] sqlx::Error),
    #[error("where the log ends is not known")]
    Look(#[source] StoreError),
}
