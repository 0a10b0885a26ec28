//! The events that were read last, and which reads of the end of the log were made.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{PAGE, Read};
use crate::envelope::{Position, Positioned, StoredEvent};

/// What an event takes beside its payload and its metadata, about.
const OVERHEAD: usize = 256;

/// The events after `start` up to `end`, all of them.
#[derive(Debug)]
pub(super) struct Window {
    start: Position,
    end: Position,
    events: VecDeque<Arc<Positioned<StoredEvent>>>,
    /// Whether there may be more beyond `end`, as far as the last read showed.
    has_more: bool,
    /// Of `events`.
    bytes: usize,
    /// The most that `bytes` may be.
    capacity: usize,
    /// How many reads of the end were begun.
    reads: u64,
    /// Reads up to this number were begun before the window was forgotten.
    forgotten: u64,
    /// The last read that found nothing, and after which position.
    found_nothing: Option<(ReadNumber, Position)>,
}

/// The number of a read of the end, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReadNumber(u64);

/// Where the events after a position are.
#[derive(Debug)]
pub(super) enum Found {
    /// In the window; these are the next ones.
    Here(Read),
    /// Before it, in the log only.
    Before,
    /// At its end or further on, where nobody has read yet.
    Beyond,
}

impl Window {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            start: Position::START,
            end: Position::START,
            events: VecDeque::new(),
            has_more: true,
            bytes: 0,
            capacity,
            reads: 0,
            forgotten: 0,
            found_nothing: None,
        }
    }

    pub(super) fn find(&self, after: Position, limit: usize) -> Found {
        if after >= self.end {
            return Found::Beyond;
        }
        if after < self.start {
            return Found::Before;
        }
        let first = self.events.partition_point(|e| e.position <= after);
        let events: Vec<_> = self.events.range(first..).take(limit).cloned().collect();
        Found::Here(Read {
            has_more: self.has_more || first + events.len() < self.events.len(),
            events,
        })
    }

    /// How many reads of the end were begun.
    pub(super) fn reads_begun(&self) -> ReadNumber {
        ReadNumber(self.reads)
    }

    /// Whether a read that was begun after that one found nothing after a position.
    pub(super) fn was_end(&self, after: Position, read: ReadNumber) -> bool {
        self.found_nothing
            .is_some_and(|(number, at)| number > read && at == after)
    }

    /// Begins a read of the end.
    pub(super) fn begin_read(&mut self) -> ReadNumber {
        self.reads += 1;
        self.reads_begun()
    }

    /// Takes in all that a read of the end gave, which was a page at most. One that stands further on than
    /// the window takes its place.
    pub(super) fn extend(
        &mut self,
        read: ReadNumber,
        after: Position,
        events: Vec<Arc<Positioned<StoredEvent>>>,
    ) {
        if read.0 <= self.forgotten {
            return;
        }
        let Some(last) = events.last() else {
            self.found_nothing = Some((read, after));
            return;
        };
        if after != self.end {
            self.events.clear();
            self.bytes = 0;
            self.start = after;
        }
        self.end = last.position;
        self.has_more = events.len() >= PAGE;
        self.bytes += events.iter().map(|e| size(e)).sum::<usize>();
        self.events.extend(events);
        while self.bytes > self.capacity
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= size(&oldest);
            self.start = oldest.position;
        }
    }

    /// Empties the window; reads that are under way add nothing to it.
    pub(super) fn forget(&mut self) {
        *self = Self {
            reads: self.reads,
            forgotten: self.reads,
            ..Self::new(self.capacity)
        };
    }
}

/// What an event takes in memory, about.
fn size(event: &Positioned<StoredEvent>) -> usize {
    OVERHEAD + event.event.data.len() + event.event.metadata.len()
}

#[cfg(test)]
mod tests;
