//! The rows of the streams that were met last, within a share of memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_store::envelope::StreamId;
use lru::LruCache;

/// The estimated bytes of a row beside the values of its events.
const ROW_BYTES: usize = 1_024;

/// Memory that is divided equally among those who use it.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: usize,
    users: AtomicUsize,
}

impl Memory {
    /// Creates memory of so many bytes, without users.
    pub(super) fn of(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes,
            users: AtomicUsize::new(0),
        })
    }
}

/// Remembers values of streams, those that were used last. Forgetting one costs time, never a value.
#[derive(Debug)]
pub(super) struct Remembered<Value> {
    memory: Arc<Memory>,
    values: LruCache<StreamId, (Value, usize)>,
    bytes: usize,
}

impl<Value> Remembered<Value> {
    /// Remembers nothing yet, and uses a share of this memory from now on.
    pub(super) fn in_memory(memory: &Arc<Memory>) -> Self {
        memory.users.fetch_add(1, Ordering::Relaxed);
        Self {
            memory: Arc::clone(memory),
            values: LruCache::unbounded(),
            bytes: 0,
        }
    }

    /// Takes the value of a stream out, with the most bytes that an event gave to it.
    pub(super) fn take(&mut self, stream: StreamId) -> Option<(Value, usize)> {
        let (value, data) = self.values.pop(&stream)?;
        self.bytes -= weight(data);
        Some((value, data))
    }

    /// Puts a value in. `data` is the most bytes that an event gave to it.
    pub(super) fn put(&mut self, stream: StreamId, value: Value, data: usize) {
        if let Some((_, data)) = self.values.push(stream, (value, data)).map(|(_, old)| old) {
            self.bytes -= weight(data);
        }
        self.bytes += weight(data);
        let share = self.memory.bytes / self.memory.users.load(Ordering::Relaxed).max(1);
        while self.bytes > share
            && let Some((_, (_, data))) = self.values.pop_lru()
        {
            self.bytes -= weight(data);
        }
    }
}

impl<Value> Drop for Remembered<Value> {
    fn drop(&mut self) {
        self.memory.users.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The estimated bytes of a row: values in memory take more room than as text.
fn weight(data: usize) -> usize {
    ROW_BYTES + 2 * data
}

#[cfg(test)]
mod tests {
    use domain::ids::JobId;
    use uuid::Uuid;

    use super::*;

    fn stream(number: u128) -> StreamId {
        StreamId::from(JobId::new(Uuid::from_u128(number)))
    }

    #[test]
    fn what_was_used_last_is_remembered_within_the_share() {
        let memory = Memory::of(4 * weight(0));
        let mut first = Remembered::in_memory(&memory);
        for number in 0..5 {
            first.put(stream(number), number, 0);
        }
        assert_eq!(first.take(stream(0)), None);
        assert_eq!(first.take(stream(1)), Some((1, 0)));
        first.put(stream(1), 1, 0);
        // Another user takes half of the memory.
        let second = Remembered::<u128>::in_memory(&memory);
        first.put(stream(1), 2, 0);
        assert_eq!(first.take(stream(3)), None);
        assert_eq!(first.take(stream(4)), Some((4, 0)));
        drop(second);
        // What is larger than everything is not kept.
        first.put(stream(9), 9, 1 << 30);
        assert_eq!(first.take(stream(9)), None);
        assert_eq!(first.bytes, 0);
        drop(first);
        assert_eq!(memory.users.load(Ordering::Relaxed), 0);
    }
}
