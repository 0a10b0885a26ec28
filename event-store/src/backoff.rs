//! Pauses between retries: exponential backoff with jitter, one builder for all retry loops.

use std::time::Duration;

use backoff::backoff::Backoff as _;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

/// The pauses of one retry loop. Each pause is about twice as long as the one before, up to a longest
/// pause. It varies by half of its length at random, so that loops which failed together do not retry
/// together. The sequence never ends: a caller that gives up counts its retries itself.
#[derive(Debug)]
pub struct Backoff {
    pauses: ExponentialBackoff,
    longest: Duration,
}

impl Backoff {
    /// Returns pauses that begin with about `first` and grow up to about `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        let pauses = ExponentialBackoffBuilder::new()
            .with_initial_interval(first.min(longest))
            .with_multiplier(2.0)
            .with_randomization_factor(0.5)
            .with_max_interval(longest)
            .with_max_elapsed_time(None)
            .build();
        Self { pauses, longest }
    }

    /// Returns the pause before the next retry.
    pub fn next_pause(&mut self) -> Duration {
        // `None` would mean that the time for retries is over, but that time is not bounded.
        self.pauses.next_backoff().unwrap_or(self.longest)
    }

    /// Begins again with the first pause, after a success.
    pub fn reset(&mut self) {
        self.pauses.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_again() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(first, longest);
        let around = |pause: Duration, middle: Duration| {
            let share = pause.as_secs_f64() / middle.as_secs_f64();
            assert!((0.5..=1.5).contains(&share), "{pause:?}");
        };
        around(backoff.next_pause(), first);
        around(backoff.next_pause(), 2 * first);
        for _ in 0..100 {
            backoff.next_pause();
        }
        around(backoff.next_pause(), longest);
        backoff.reset();
        around(backoff.next_pause(), first);
    }
}
