//! Where the reader is in one shard, and what a message is to it.

use event_store::cloudevent::Received;
use event_store::consume::checkpoint::Checkpoint;
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

/// Whether Kafka had something to give between two looks at the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Supply {
    /// All the time: what a shard is waiting for may be behind what came for others.
    Unbroken,
    /// At some time it had nothing: what did not come by then was not on its way.
    Exhausted,
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
    /// what was there at the last look already, if nothing at all has come since although Kafka gave
    /// all it had. From a topic of another log nothing is waited for.
    pub(super) fn overdue(&mut self, head: Position, supply: Supply) -> Option<Position> {
        let standing = self.position;
        let now = (head > standing).then_some(Awaited { standing, head });
        let before = std::mem::replace(&mut self.awaited, now)?;
        let in_vain = supply == Supply::Exhausted || self.origin == Origin::Foreign;
        (in_vain && before.standing == standing).then_some(before.head)
    }

    /// Forgets the last look: Kafka was kept from giving what it has.
    pub(super) fn look_anew(&mut self) {
        self.awaited = None;
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
        let mut overdue = |at: i64, head| {
            cursor.position = Position(at);
            cursor.overdue(Position(head), Supply::Exhausted)
        };
        assert_eq!(overdue(5, 5), None, "nothing is missing");
        assert_eq!(overdue(5, 8), None, "it may be on its way");
        assert_eq!(overdue(5, 9), Some(Position(8)));
        assert_eq!(overdue(7, 9), None, "it is coming");
        assert_eq!(overdue(9, 9), None, "all of it came");
    }

    #[test]
    fn nothing_is_overdue_while_kafka_has_more_to_give() {
        let mut cursor = at(5);
        for head in 8..20 {
            assert_eq!(cursor.overdue(Position(head), Supply::Unbroken), None);
        }
        assert_eq!(
            cursor.overdue(Position(20), Supply::Exhausted),
            Some(Position(19))
        );
        cursor.look_anew();
        assert_eq!(cursor.overdue(Position(21), Supply::Exhausted), None);
    }

    #[test]
    fn from_the_topic_of_another_log_nothing_is_waited_for() {
        let mut cursor = at(5);
        cursor.origin = Origin::Foreign;
        assert_eq!(cursor.overdue(Position(8), Supply::Unbroken), None);
        assert_eq!(
            cursor.overdue(Position(9), Supply::Unbroken),
            Some(Position(8))
        );
    }
}
