//! The extent of a Kafka transaction.

use std::time::{Duration, Instant};

use crate::refusal::SentEvent;

/// The most events: beyond it, the cost of a transaction is small against its events.
const MAX_EVENTS: usize = 20_000;
/// The most bytes of data, so that the client's queue is bounded.
const MAX_BYTES: usize = 16 << 20;
/// The longest time in which events are added, because readers see them after the commit only.
const MAX_TIME: Duration = Duration::from_secs(1);

/// A transaction that is open.
#[derive(Debug)]
pub(super) struct Transaction {
    /// The events that were sent, in the order of their indices in the transaction.
    pub(super) sent: Vec<SentEvent>,
    events: usize,
    bytes: usize,
    started: Instant,
}

impl Transaction {
    pub(super) fn new() -> Self {
        Self {
            sent: Vec::new(),
            events: 0,
            bytes: 0,
            started: Instant::now(),
        }
    }

    /// Adds events that are about to be sent, with so many bytes of data.
    pub(super) fn add(&mut self, events: usize, bytes: usize) {
        self.events += events;
        self.bytes += bytes;
    }

    /// Returns true if the transaction takes no more events.
    pub(super) fn is_full(&self) -> bool {
        self.events >= MAX_EVENTS || self.bytes >= MAX_BYTES || self.age() >= MAX_TIME
    }

    /// Returns the time since the transaction began.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }
}
