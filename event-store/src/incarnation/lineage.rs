//! The incarnations of a log in their order, and what is left of each.

use std::fmt;

use uuid::Uuid;

use crate::envelope::Position;

/// The id of an incarnation.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct IncarnationId(pub Uuid);

impl fmt::Display for IncarnationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The reason why an incarnation began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The log began, or is older than incarnations are.
    First,
    /// The server has another system identifier: a restored dump, a copy, or an upgrade of Postgres.
    Server,
    /// The database has another id: a restored dump, or a copy, in the same server.
    Database,
    /// The server has another timeline: a promoted standby, or a restore to a point in time.
    Timeline,
    /// An operator declared a restore.
    Declared,
    /// A reason that only a newer program knows.
    Unknown,
}

impl Reason {
    /// Returns the reason as it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "FIRST",
            Self::Server => "SERVER",
            Self::Database => "DATABASE",
            Self::Timeline => "TIMELINE",
            Self::Declared => "DECLARED",
            Self::Unknown => "UNKNOWN",
        }
    }

    pub(super) fn named(text: &str) -> Self {
        let all = [
            Self::First,
            Self::Server,
            Self::Database,
            Self::Timeline,
            Self::Declared,
        ];
        let found = all.into_iter().find(|reason| reason.as_str() == text);
        found.unwrap_or(Self::Unknown)
    }

    /// Returns true if the incarnation before may go on beside this one, as production beside its copy.
    fn may_be_copy(self) -> bool {
        match self {
            Self::Server | Self::Database | Self::Unknown => true,
            Self::First | Self::Timeline | Self::Declared => false,
        }
    }
}

/// An incarnation of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incarnation {
    /// The id.
    pub id: IncarnationId,
    /// The last position that was kept of the incarnation before.
    pub fork: Position,
    /// The highest number of an event that was kept of the incarnation before.
    pub fork_seq: i64,
    /// The reason why it began.
    pub reason: Reason,
}

/// The incarnations of a log, in order: at least one. The last one is current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    incarnations: Vec<Incarnation>,
}

/// The reason why the log no longer has what an incarnation made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The incarnation is none of this log, or one that the log lost.
    #[error("it was made by another log, or by an incarnation of this one that a restore removed")]
    Unknown,
    /// The log kept less of the incarnation.
    #[error(
        "the log went back to position {fork} since it was made, and gave later positions again"
    )]
    BeyondFork {
        /// The last position that was kept.
        fork: Position,
    },
}

impl Lineage {
    /// Returns the lineage of these incarnations; `None` if there are none.
    #[must_use]
    pub fn new(incarnations: Vec<Incarnation>) -> Option<Self> {
        (!incarnations.is_empty()).then_some(Self { incarnations })
    }

    /// Returns the current incarnation.
    #[must_use]
    pub fn current(&self) -> &Incarnation {
        self.incarnations.last().expect("a lineage has one")
    }

    /// Returns true if the incarnation is one of the log. Without an id it is the first one: what was made before
    /// there were incarnations names none.
    #[must_use]
    pub fn has(&self, id: Option<IncarnationId>) -> bool {
        self.later_than(id).is_some()
    }

    /// Checks that the log has a position as an incarnation gave it.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn check_position(
        &self,
        id: Option<IncarnationId>,
        position: Position,
    ) -> Result<(), Lost> {
        let later = self.later_than(id).ok_or(Lost::Unknown)?;
        match later.iter().map(|incarnation| incarnation.fork).min() {
            Some(fork) if position > fork => Err(Lost::BeyondFork { fork }),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns the highest number that an event of an incarnation can have in this log; `None` if all events count,
    /// because the incarnation is current.
    ///
    /// # Errors
    /// [`Lost::Unknown`].
    pub fn last_kept(&self, id: Option<IncarnationId>) -> Result<Option<i64>, Lost> {
        let later = self.later_than(id).ok_or(Lost::Unknown)?;
        Ok(later.iter().map(|incarnation| incarnation.fork_seq).min())
    }

    /// Returns true if the incarnation before one of the later ones may go on beside it: then what it wrote last may
    /// be another log's by now.
    #[must_use]
    pub fn may_be_copied_since(&self, id: Option<IncarnationId>) -> bool {
        let later = self.later_than(id).unwrap_or(&self.incarnations);
        later
            .iter()
            .any(|incarnation| incarnation.reason.may_be_copy())
    }

    fn later_than(&self, id: Option<IncarnationId>) -> Option<&[Incarnation]> {
        let index = match id {
            Some(id) => self
                .incarnations
                .iter()
                .position(|incarnation| incarnation.id == id)?,
            None => 0,
        };
        self.incarnations.get(index + 1..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> IncarnationId {
        IncarnationId(Uuid::from_u128(number))
    }

    fn lineage(forks: &[(i64, Reason)]) -> Lineage {
        let incarnation = |(number, (fork, reason)): (u128, &(i64, Reason))| Incarnation {
            id: id(number),
            fork: Position(*fork),
            fork_seq: fork * 10,
            reason: *reason,
        };
        Lineage::new((1..).zip(forks).map(incarnation).collect()).expect("there is one")
    }

    #[test]
    fn a_position_counts_up_to_every_fork_that_came_after_its_incarnation() {
        let lineage = lineage(&[
            (0, Reason::First),
            (7, Reason::Timeline),
            (5, Reason::Declared),
        ]);
        let check = |incarnation, position| lineage.check_position(incarnation, Position(position));
        let beyond = |fork| {
            Err(Lost::BeyondFork {
                fork: Position(fork),
            })
        };
        assert_eq!(check(Some(id(3)), 1_000), Ok(()));
        assert_eq!(check(Some(id(2)), 5), Ok(()));
        assert_eq!(check(Some(id(2)), 6), beyond(5));
        // The fork of the second one is not all that was lost of the first.
        assert_eq!(check(Some(id(1)), 6), beyond(5));
        assert_eq!(check(None, 5), Ok(()));
        assert_eq!(check(None, 8), beyond(5));
        assert_eq!(check(Some(id(9)), 1), Err(Lost::Unknown));
        assert_eq!(lineage.last_kept(Some(id(3))), Ok(None));
        assert_eq!(lineage.last_kept(Some(id(1))), Ok(Some(50)));
        assert_eq!(lineage.last_kept(Some(id(9))), Err(Lost::Unknown));
    }

    #[test]
    fn only_another_server_or_database_may_be_a_copy() {
        let failed_over = lineage(&[(0, Reason::First), (7, Reason::Timeline)]);
        assert!(!failed_over.may_be_copied_since(Some(id(1))));
        let copied = lineage(&[
            (0, Reason::First),
            (7, Reason::Server),
            (9, Reason::Timeline),
        ]);
        assert!(copied.may_be_copied_since(None));
        assert!(!copied.may_be_copied_since(Some(id(2))));
        assert!(copied.may_be_copied_since(Some(id(9))));
    }

    #[test]
    fn reasons_are_read_as_they_are_stored() {
        for reason in ["FIRST", "SERVER", "DATABASE", "TIMELINE", "DECLARED"] {
            assert_eq!(Reason::named(reason).as_str(), reason);
        }
        assert_eq!(Reason::named("MOVED"), Reason::Unknown);
    }
}
