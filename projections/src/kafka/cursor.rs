//! Where the reader is in one shard, and what a message is to it.

use event_store::checkpoint::Checkpoint;
use event_store::cloudevent::Received;
use event_store::envelope::Position;

/// Where the reader is in one shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// Every event up to here was handed out.
    pub(super) position: Position,
    /// Whether the topic holds the events of this log.
    pub(super) origin: Origin,
    /// What the last look at the log showed, if the log was ahead of us.
    awaited: Option<Awaited>,
}

/// Events that were in the log and had not come through Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Awaited {
    /// Where the reader stood.
    standing: Position,
    /// The head of the shard.
    head: Position,
}

/// Whose events a topic holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Not looked at yet.
    Unknown,
    /// This log's.
    Ours,
    /// Another log's, or an earlier life of this one's: nothing in it counts.
    Foreign,
}

/// What to do about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was handed out already.
    Skip,
    /// It is the next one.
    Take,
    /// Events are missing before it, up to this position.
    FillUpTo(Position),
}

impl Cursor {
    pub(super) fn at(checkpoint: Checkpoint) -> Self {
        Self {
            position: checkpoint.position,
            origin: Origin::Unknown,
            awaited: None,
        }
    }

    /// What a message is to a reader that is here.
    pub(super) fn step(&self, received: &Received) -> Step {
        if received.event.position <= self.position {
            Step::Skip
        } else if received.previous > self.position {
            Step::FillUpTo(received.previous)
        } else {
            Step::Take
        }
    }

    /// Notes the head of the shard in the log, now and then. Gives how far to read from the log: up to
    /// what was there at the last look already, if nothing at all has come since.
    pub(super) fn overdue(&mut self, head: Position) -> Option<Position> {
        let standing = self.position;
        let now = (head > standing).then_some(Awaited { standing, head });
        let before = std::mem::replace(&mut self.awaited, now)?;
        (before.standing == standing).then_some(before.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: i64) -> Cursor {
        Cursor::at(Checkpoint {
            position: Position(position),
            kafka_offset: None,
        })
    }

    #[test]
    fn what_was_there_at_the_last_look_is_overdue_when_nothing_came_since() {
        let mut cursor = at(5);
        assert_eq!(cursor.overdue(Position(5)), None, "nothing is missing");
        assert_eq!(cursor.overdue(Position(8)), None, "it may be on its way");
        assert_eq!(cursor.overdue(Position(9)), Some(Position(8)));
        cursor.position = Position(7);
        assert_eq!(cursor.overdue(Position(9)), None, "it is coming");
        cursor.position = Position(9);
        assert_eq!(cursor.overdue(Position(9)), None, "all of it came");
    }
}
