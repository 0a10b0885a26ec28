//! Wakes those who wait for new events. A lost hint costs a poll interval, never an event: whoever
//! wakes looks at the database, and a hint says only that looking is worth it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a waiter sleeps at most when hints come from other processes and may be lost.
pub const POLL: Duration = Duration::from_secs(1);

/// Hints of other processes are sent at most this often: a notification takes a cluster-wide lock at
/// commit, so it has a connection of its own and is never part of a command.
const DEBOUNCE: Duration = Duration::from_millis(5);

/// Pause before a lost listening connection is tried again.
const RECONNECT: Duration = Duration::from_millis(500);

/// Something that only grows, and those who wait for it to grow.
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

    /// Raises the value by one.
    pub fn raise(&self) {
        self.value.send_modify(|current| *current += 1);
    }

    /// The highest value so far.
    #[must_use]
    pub fn value(&self) -> i64 {
        *self.value.borrow()
    }

    /// Waits until the value is above `seen`, at most `patience`.
    pub async fn above(&self, seen: i64, patience: Duration) {
        let mut receiver = self.value.subscribe();
        // An error would mean that the sender is gone, and `self` holds it; a timeout is a poll.
        let _ = tokio::time::timeout(patience, receiver.wait_for(|value| *value > seen)).await;
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
            () = signal.above(told, POLL) => {}
            () = stop.cancelled() => return,
        }
        let value = signal.value();
        if value > told {
            let sent = sqlx::query("select pg_notify($1, $2)")
                .bind(hint.channel())
                .bind(value.to_string())
                .execute(&pool)
                .await;
            match sent {
                Ok(_) => told = value,
                Err(error) => tracing::debug!(%error, "a hint to other processes was not sent"),
            }
            tokio::time::sleep(DEBOUNCE).await;
        }
    }
}

/// Takes in a hint of other processes until `stop`; reconnects for ever.
pub async fn listen(pool: PgPool, wake: Wake, hint: Hint, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            result = listen_once(&pool, &wake, hint) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "the listening connection was lost");
                }
            }
            () = stop.cancelled() => return,
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn listen_once(pool: &PgPool, wake: &Wake, hint: Hint) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(hint.channel()).await?;
    let signal = hint.signal(wake);
    loop {
        let notification = listener.recv().await?;
        match hint {
            // Counters of different processes are not comparable; only that it happened counts.
            Hint::Appended | Hint::Applied => signal.raise(),
            Hint::Sequenced => {
                if let Ok(position) = notification.payload().parse() {
                    signal.raise_to(position);
                }
            }
        }
    }
}
