//! How many events go into the next Kafka transaction.

use crate::publisher::writer::Care;

/// Events at most: beyond, a transaction costs little against its events.
const MOST_EVENTS: usize = 2_000;
/// Bytes aimed at, so that large events do not make a transaction that takes seconds.
const BYTES: usize = 2 << 20;

/// Events at most where some may be refused: what is refused is sent again without the event to blame.
const FEW_EVENTS: usize = 100;

/// A limit that follows the size of events. A batch is whatever there is, up to the limit: a single
/// event goes alone and at once.
#[derive(Debug)]
pub(crate) struct BatchSize {
    limit: usize,
    most: usize,
}

impl BatchSize {
    pub(crate) fn new(care: Care) -> Self {
        let most = match care {
            Care::Sweeping => MOST_EVENTS,
            Care::Careful => FEW_EVENTS,
        };
        Self { limit: most, most }
    }

    /// Events to read at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Learns from a batch of so many events and bytes.
    pub(crate) fn learn(&mut self, events: usize, bytes: usize) {
        let fitting = BYTES / (bytes / events.max(1)).max(1);
        // Down at once, up by steps: the next events may be large again.
        self.limit = fitting.min(self.limit * 2).clamp(1, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_falls_at_once_for_large_events_and_comes_back() {
        let mut size = BatchSize::new(Care::Sweeping);
        assert_eq!(size.limit(), MOST_EVENTS);
        size.learn(2_000, 2_000 * 60 * 1024);
        assert_eq!(size.limit(), 34);
        size.learn(34, 34 * 500);
        assert_eq!(size.limit(), 68);
        for _ in 0..10 {
            size.learn(10, 10 * 500);
        }
        assert_eq!(size.limit(), MOST_EVENTS);
    }

    #[test]
    fn an_event_larger_than_a_batch_still_goes() {
        let mut size = BatchSize::new(Care::Sweeping);
        size.learn(1, 2 * BYTES);
        assert_eq!(size.limit(), 1);
        size.learn(0, 0);
        assert_eq!(size.limit(), 2);
    }

    #[test]
    fn a_careful_writer_gets_few_events() {
        let mut size = BatchSize::new(Care::Careful);
        size.learn(10, 10 * 500);
        assert_eq!(size.limit(), FEW_EVENTS);
    }
}
