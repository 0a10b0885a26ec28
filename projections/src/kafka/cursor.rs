//! The reader's place in one shard, and the step that a message leads to there.

use event_store::cloudevent::Received;
use event_store::envelope::Position;

/// The reader's place in one shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// The position up to which every event was handed out.
    pub(super) position: Position,
    /// The origin of the topic's events, by which they count or not.
    pub(super) origin: Origin,
}

/// The log that a topic's events belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Our log, as far as was seen.
    Ours,
    /// Another log, or an earlier history of ours: nothing in the topic counts.
    Foreign,
}

/// The step that a message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The event of the message was handed out already.
    Skip,
    /// The event of the message is the next one.
    Take,
    /// Events are missing before the message, up to this position.
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

    /// Returns the step that a message leads to.
    ///
    /// Positions ascend in every partition, and each message names the one before it. So a message at or
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
