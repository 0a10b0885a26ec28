//! The window of the events that were read last, and the reads of the end of the log.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{PAGE, Read};
use crate::envelope::{Position, Positioned, StoredEvent};

/// The approximate size of an event in memory, in bytes, without its payload and its metadata.
const OVERHEAD: usize = 256;

/// The events after `start` up to `end`, all of them.
#[derive(Debug)]
pub(super) struct Window {
    start: Position,
    end: Position,
    events: VecDeque<Arc<Positioned<StoredEvent>>>,
    /// True if there may be more beyond `end`, as far as the last read showed.
    has_more: bool,
    /// The size of `events` in bytes.
    bytes: usize,
    /// The most that `bytes` may be.
    capacity: usize,
    /// The number of reads of the end that were begun.
    reads: u64,
    /// The number of the last read that was begun before the window was emptied.
    forgotten: u64,
    /// The last read that found nothing, and the position after which it read.
    found_nothing: Option<(ReadNumber, Position)>,
}

/// The number of a read of the end, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReadNumber(u64);

/// The place of the events after a position.
#[derive(Debug)]
pub(super) enum Found {
    /// The events are in the window; these are the next ones.
    Here(Read),
    /// The events are before the window, in the log only.
    Before,
    /// The position is at the end of the window or beyond it, where nobody has read yet.
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

    /// Returns the number of reads of the end that were begun.
    pub(super) fn reads_begun(&self) -> ReadNumber {
        ReadNumber(self.reads)
    }

    /// Returns true if a read that was begun after the given one found nothing after a position.
    pub(super) fn was_end(&self, after: Position, read: ReadNumber) -> bool {
        self.found_nothing
            .is_some_and(|(number, at)| number > read && at == after)
    }

    /// Begins a read of the end.
    pub(super) fn begin_read(&mut self) -> ReadNumber {
        self.reads += 1;
        self.reads_begun()
    }

    /// Adds all events that a read of the end returned, which was a page at most. Events that do not follow
    /// the window's end replace the window.
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

    /// Empties the window; reads in progress add nothing to it.
    pub(super) fn forget(&mut self) {
        *self = Self {
            reads: self.reads,
            forgotten: self.reads,
            ..Self::new(self.capacity)
        };
    }
}

/// Returns the approximate size of an event in memory, in bytes.
fn size(event: &Positioned<StoredEvent>) -> usize {
    OVERHEAD + event.event.data.len() + event.event.metadata.len()
}

#[cfg(test)]
mod tests;
