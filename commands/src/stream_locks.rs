//! Locks that serialise the commands of this process on each stream.
//!
//! Without the locks, all but one of the commands would have a conflict at every append. A command that has
//! to load the stream could conflict with commands that have it cached, until it gives up. Correctness does
//! not depend on the locks: other processes do not wait for them, and every append still names the version
//! it expects.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use event_store::envelope::StreamId;
use tokio::sync::{Mutex, MutexGuard};

/// The number of locks. Streams that share a lock by chance only wait without need, so there are many more
/// locks than commands at a time.
const LINES: usize = 4_096;

/// The locks of a process.
#[derive(Debug)]
pub(crate) struct StreamLocks {
    lines: Box<[Mutex<()>]>,
    hasher: RandomState,
}

/// The right to change a stream, until the lock is dropped.
#[derive(Debug)]
pub(crate) struct StreamLock<'a> {
    _line: MutexGuard<'a, ()>,
}

impl StreamLocks {
    /// Returns locks that nobody holds.
    pub(crate) fn new() -> Self {
        Self {
            lines: (0..LINES).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits for the locks of streams, each in order of arrival. All commands take locks in one order, so that
    /// no two commands can wait for each other.
    pub(crate) async fn take(
        &self,
        streams: impl IntoIterator<Item = StreamId>,
    ) -> Vec<StreamLock<'_>> {
        let lines = u64::try_from(self.lines.len()).expect("a length fits 64 bits");
        let line = |stream| {
            usize::try_from(self.hasher.hash_one(stream) % lines)
                .expect("a remainder is less than a length")
        };
        let wanted: BTreeSet<usize> = streams.into_iter().map(line).collect();
        let mut locks = Vec::with_capacity(wanted.len());
        for line in wanted {
            let _line = self.lines[line].lock().await;
            locks.push(StreamLock { _line });
        }
        locks
    }
}
