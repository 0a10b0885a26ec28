//! What a command comes to, before it is appended.

use domain::decider::fold;
use domain::event::Event;
use event_store::envelope::{StreamId, Version};
use event_store::write::append::StreamAppend;
use event_store::write::reservation::{Name, NameChange};

use crate::aggregate::{Aggregate, State};
use crate::error::{CommandError, Rejected};
use crate::receipt::Receipt;
use crate::streams::Loaded;
use crate::token::MAX_STREAMS;

/// Everything that one command is to commit.
#[derive(Debug)]
pub(crate) struct Decision {
    /// The aggregate that the command names.
    pub(crate) subject: Change,
    /// What else is written with it.
    pub(crate) others: Vec<Change>,
}

/// What happens to one stream.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) stream: StreamId,
    pub(crate) before: Version,
    pub(crate) events: Vec<Event>,
    pub(crate) after: State,
    names: Vec<NameChange>,
}

impl<D: Aggregate> Loaded<D> {
    /// Lets the aggregate decide.
    pub(crate) fn decide(self, command: &D::Command) -> Result<Change, Rejected> {
        let events = self
            .state
            .decide(command)
            .map_err(|rejection| Rejected::by_rule(&rejection))?;
        let held_before = self.state.held_name();
        let after = fold(self.state, &events);
        Ok(Change {
            stream: self.stream,
            before: self.version,
            names: name_changes(self.stream, held_before, after.held_name()),
            events: events.into_iter().map(Into::into).collect(),
            after: after.into_state(),
        })
    }
}

impl Change {
    /// The version that it brings the stream to.
    pub(crate) fn version(&self) -> Version {
        self.before.plus(self.events.len())
    }
}

impl From<Change> for Decision {
    fn from(subject: Change) -> Self {
        Self {
            subject,
            others: Vec::new(),
        }
    }
}

impl Decision {
    /// Refuses what has more streams than a token can name.
    pub(crate) fn within_bounds(self) -> Result<Self, CommandError> {
        match self.changes().count() {
            ..=MAX_STREAMS => Ok(self),
            streams => Err(Rejected::too_large(streams).into()),
        }
    }

    /// All changes, the subject's first.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        std::iter::once(&self.subject).chain(&self.others)
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes().all(|change| change.events.is_empty())
    }

    /// What is appended to which stream.
    pub(crate) fn appends(&self) -> Vec<StreamAppend> {
        self.changes()
            .filter(|change| !change.events.is_empty())
            .map(|change| StreamAppend {
                stream: change.stream,
                expected: change.before,
                events: change.events.clone(),
            })
            .collect()
    }

    /// Which names are taken and given back.
    pub(crate) fn names(&self) -> Vec<NameChange> {
        self.changes()
            .flat_map(|change| change.names.clone())
            .collect()
    }

    /// What the caller gets once it is committed.
    pub(crate) fn receipt(&self) -> Receipt {
        let streams = self
            .changes()
            .map(|change| (change.stream, change.version()));
        Receipt {
            streams: streams.collect(),
        }
    }
}

/// What happens to names follows from the states alone, whatever the command was.
fn name_changes(stream: StreamId, before: Option<Name>, after: Option<Name>) -> Vec<NameChange> {
    if before == after {
        return Vec::new();
    }
    let released = before.map(|name| NameChange::Release(name, stream));
    let taken = after.map(|name| NameChange::Take(name, stream));
    released.into_iter().chain(taken).collect()
}

#[cfg(test)]
mod tests {
    use domain::droplet::Droplet;
    use domain::ids::DropletId;
    use uuid::Uuid;

    use super::*;

    /// A decision over so many streams.
    fn decision(streams: usize) -> Decision {
        let change = |id: usize| Change {
            stream: DropletId::new(Uuid::from_u128(id as u128)).into(),
            before: Version(1),
            events: Vec::new(),
            after: State::Droplet(Droplet::default()),
            names: Vec::new(),
        };
        Decision {
            subject: change(0),
            others: (1..streams).map(change).collect(),
        }
    }

    #[test]
    fn every_decision_within_bounds_has_a_token_that_is_read() {
        let largest = decision(MAX_STREAMS).within_bounds().expect("is allowed");
        let token = largest.receipt().token();
        assert_eq!(token.to_string().parse(), Ok(token));
        let refused = decision(MAX_STREAMS + 1).within_bounds();
        assert!(
            matches!(&refused, Err(CommandError::Rejected(r)) if r.code == "COMMAND_TOO_LARGE"),
            "{refused:?}"
        );
    }

    #[test]
    fn names_follow_the_states() {
        let stream = DropletId::new(Uuid::from_u128(1)).into();
        let (a, b) = (Name::droplet("a"), Name::droplet("b"));
        let changes = |before: Option<&Name>, after: Option<&Name>| {
            name_changes(stream, before.cloned(), after.cloned())
        };
        let take = |name: &Name| NameChange::Take(name.clone(), stream);
        let release = |name: &Name| NameChange::Release(name.clone(), stream);
        assert_eq!(changes(None, Some(&a)), [take(&a)]);
        assert_eq!(changes(Some(&a), Some(&a)), []);
        assert_eq!(changes(Some(&a), Some(&b)), [release(&a), take(&b)]);
        assert_eq!(changes(Some(&a), None), [release(&a)]);
        assert_eq!(changes(None, None), []);
    }
}
