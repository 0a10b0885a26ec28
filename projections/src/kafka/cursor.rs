//! The reader's place in one shard, and what a message means to a reader there.

use event_store::cloudevent::Received;
use event_store::envelope::Position;

/// The reader's place in one shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// Every event up to here was handed out.
    pub(super) position: Position,
    /// Whether the topic counts.
    pub(super) origin: Origin,
}

/// Whose events a topic holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// This log's, as far as was seen.
    Ours,
    /// Another log's, or those of an earlier life of this one: nothing in it counts.
    Foreign,
}

/// What to do about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its event was handed out already.
    Skip,
    /// Its event is the next one.
    Take,
    /// Events are missing before it, up to this position.
    FillUpTo(Position),
}

impl Cursor {
    /// A place up to which every event was handed out.
    pub(super) fn at(position: Position) -> Self {
        Self {
            position,
            origin: Origin::Ours,
        }
    }

    /// What to do about a message.
    ///
    /// Positions ascend in every partition, and each message names the one before it: a message at or
    /// below the cursor comes again, and one whose predecessor is above it follows a hole.
    pub(super) fn step(&self, received: &Received) -> Step {
        if received.event.position <= self.position {
            Step::Skip
        } else if received.previous > self.position {
            Step::FillUpTo(received.previous)
        } else {
            Step::Take
        }
    }
}
