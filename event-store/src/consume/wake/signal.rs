//! Signals within a process.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// A number that grows, and tasks that wait for its growth. The number falls only if a restore of the
/// database to an earlier time shows that it was too high.
#[derive(Clone, Debug)]
pub struct Signal {
    value: Arc<watch::Sender<i64>>,
}

impl Signal {
    /// Returns a signal at 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Raises the value to at least the given one. Wakes waiting tasks only if the value grows.
    pub fn raise_to(&self, value: i64) {
        self.value.send_if_modified(|current| {
            let grows = value > *current;
            *current = value.max(*current);
            grows
        });
    }

    /// Sets the value to the result of a read that began when the value was `before`. A value that grew
    /// meanwhile stays. If less was found than `before`, the log went back, and the value falls.
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

    /// Returns the current value.
    #[must_use]
    pub fn value(&self) -> i64 {
        *self.value.borrow()
    }

    /// Waits until the value is above `seen`, at most for `patience`.
    pub async fn above(&self, seen: i64, patience: Duration) {
        let mut receiver = self.value.subscribe();
        // An error would mean that the sender is gone, and `self` holds it; a timeout is a poll.
        let _ = timeout(patience, receiver.wait_for(|value| *value > seen)).await;
    }

    /// Waits until the value is above `seen`, or below `known`, at most for `patience`.
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

/// The signals of a process.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    /// The signal after every append: the sequencer has work.
    pub appended: Signal,
    /// The last known position of the log: readers of the log have work.
    pub sequenced: Signal,
    /// The signal after every commit of a read model: requests that wait for a write may check again.
    pub applied: Signal,
}
