//! What a command comes to, before it is appended.

use std::sync::Arc;

use domain::decider::fold;
use domain::registry::Event;
use domain::registry::Registered;
use domain::unique_name::UniqueName;
use event_store::envelope::{StreamId, Version};
use event_store::write::append::StreamAppend;
use event_store::write::reservation::{Name, NameChange};

use crate::any_state::AnyState;
use crate::error::Rejected;
use crate::receipt::Receipt;
use crate::streams::Loaded;

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
    pub(crate) after: Arc<dyn AnyState>,
    names: Vec<NameChange>,
}

impl<D: Registered> Loaded<D> {
    /// Lets the aggregate decide.
    pub(crate) fn decide(self, command: &D::Command) -> Result<Change, Rejected> {
        let events = self
            .state
            .decide(command)
            .map_err(|rejection| Rejected::by_rule(&rejection))?;
        let held_before = self.state.names();
        let after = fold(self.state, &events);
        Ok(Change {
            stream: self.stream,
            before: self.version,
            names: name_changes(self.stream, &held_before, &after.names()),
            events: events.into_iter().map(Into::into).collect(),
            after: Arc::new(after),
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
fn name_changes(stream: StreamId, before: &[UniqueName], after: &[UniqueName]) -> Vec<NameChange> {
    let name = |name: &UniqueName| Name {
        scope: name.scope.name,
        key: name.key.clone(),
    };
    let released = before.iter().filter(|held| !after.contains(held));
    let taken = after.iter().filter(|held| !before.contains(held));
    released
        .map(|held| NameChange::Release(name(held), stream))
        .chain(taken.map(|held| NameChange::Take(name(held), stream)))
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::ids::DropletId;
    use domain::unique_name::{NameScope, Reach};
    use uuid::Uuid;

    use super::*;

    static NAMES: NameScope = NameScope {
        name: "droplet_name",
        reach: Reach::Organization,
        code: "NAME_TAKEN",
        field: "name",
        holder: "live droplet",
    };

    #[test]
    fn names_follow_the_states() {
        let stream = DropletId::new(Uuid::from_u128(1)).into();
        let name = |key: &str| UniqueName {
            scope: &NAMES,
            key: key.to_owned(),
        };
        let (a, b) = (name("a"), name("b"));
        let changes = |before: Option<&UniqueName>, after: Option<&UniqueName>| {
            let list = |name: Option<&UniqueName>| name.cloned().into_iter().collect::<Vec<_>>();
            name_changes(stream, &list(before), &list(after))
        };
        let stored = |name: &UniqueName| Name {
            scope: name.scope.name,
            key: name.key.clone(),
        };
        let take = |name: &UniqueName| NameChange::Take(stored(name), stream);
        let release = |name: &UniqueName| NameChange::Release(stored(name), stream);
        assert_eq!(changes(None, Some(&a)), [take(&a)]);
        assert_eq!(changes(Some(&a), Some(&a)), []);
        assert_eq!(changes(Some(&a), Some(&b)), [release(&a), take(&b)]);
        assert_eq!(changes(Some(&a), None), [release(&a)]);
        assert_eq!(changes(None, None), []);
    }
}
