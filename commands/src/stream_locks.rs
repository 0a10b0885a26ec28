//! Commands of this process that change one stream go one after the other.
//!
//! Without that, all but one of them would lose the race at every append, and one that has to load
//! the stream could lose to those that remember it until it gives up. A turn makes nothing correct:
//! other processes do not wait for it, and every append still names the version it expects.

use std::hash::{BuildHasher, RandomState};

use event_store::envelope::StreamId;
use tokio::sync::{Mutex, MutexGuard};

/// Lines in which commands wait. Streams that share a line by chance only wait without need, so
/// there are many more lines than commands at a time.
const LINES: usize = 4_096;

/// The lines of a process.
#[derive(Debug)]
pub(crate) struct StreamLocks {
    lines: Box<[Mutex<()>]>,
    hasher: RandomState,
}

/// The right to change a stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct StreamLock<'a> {
    _line: MutexGuard<'a, ()>,
}

impl StreamLocks {
    /// Lines in which nobody waits.
    pub(crate) fn new() -> Self {
        Self {
            lines: (0..LINES).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits until it is the caller's turn, in order of arrival. A command takes one turn only, so
    /// that no two can wait for each other.
    pub(crate) async fn take(&self, stream: StreamId) -> StreamLock<'_> {
        let lines = u64::try_from(self.lines.len()).expect("a length fits 64 bits");
        let line = usize::try_from(self.hasher.hash_one(stream) % lines)
            .expect("a remainder is less than a length");
        StreamLock {
            _line: self.lines[line].lock().await,
        }
    }
}
