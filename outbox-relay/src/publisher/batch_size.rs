//! The number of events that are read at once: a part of a Kafka transaction.

/// The most events: beyond it, the cost of a statement is small against its events.
const MAX_EVENTS: usize = 2_000;
/// The bytes aimed at, because a few parts are in memory at once.
const TARGET_BYTES: usize = 2 << 20;

/// A limit that follows the size of events. A batch is whatever there is, up to the limit: a single
/// event goes alone and at once.
#[derive(Debug)]
pub(crate) struct BatchSize {
    limit: usize,
}

impl BatchSize {
    pub(crate) fn new() -> Self {
        Self { limit: MAX_EVENTS }
    }

    /// Returns the most events to read.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Adapts the limit to a batch of so many events and bytes.
    pub(crate) fn learn(&mut self, events: usize, bytes: usize) {
        let fitting = TARGET_BYTES / (bytes / events.max(1)).max(1);
        // Down at once, up by steps: the next events may be large again.
        self.limit = fitting.min(self.limit * 2).clamp(1, MAX_EVENTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_falls_at_once_for_large_events_and_comes_back() {
        let mut size = BatchSize::new();
        assert_eq!(size.limit(), MAX_EVENTS);
        size.learn(2_000, 2_000 * 60 * 1024);
        assert_eq!(size.limit(), 34);
        size.learn(34, 34 * 500);
        assert_eq!(size.limit(), 68);
        for _ in 0..10 {
            size.learn(10, 10 * 500);
        }
        assert_eq!(size.limit(), MAX_EVENTS);
    }

    #[test]
    fn an_event_larger_than_a_batch_still_goes() {
        let mut size = BatchSize::new();
        size.learn(1, 2 * TARGET_BYTES);
        assert_eq!(size.limit(), 1);
        size.learn(0, 0);
        assert_eq!(size.limit(), 2);
    }
}
