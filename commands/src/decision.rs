//! What a command comes to, before it is appended.

use std::collections::BTreeMap;

use domain::decider::fold;
use domain::event::Event;
use domain::unique_name::UniqueName;
use event_store::envelope::{StreamId, Version};
use event_store::write::append::StreamAppend;
use event_store::write::name::NameChange;

use crate::aggregate::{Aggregate, State};
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
    pub(crate) after: State,
    released: Vec<UniqueName>,
    taken: Vec<UniqueName>,
}

impl<D: Aggregate> Loaded<D> {
    /// Lets the aggregate decide.
    pub(crate) fn decide(self, command: &D::Command) -> Result<Change, Rejected> {
        let events = self
            .state
            .decide(command)
            .map_err(|rejection| Rejected::by_rule(&rejection))?;
        let before = self.state.names();
        let after = fold(self.state, &events);
        let (released, taken) = name_changes(before, after.names());
        Ok(Change {
            stream: self.stream,
            before: self.version,
            released,
            taken,
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

    /// Which names are taken, given back and handed over.
    ///
    /// # Errors
    /// When two streams take one name.
    pub(crate) fn names(&self) -> Result<Vec<NameChange>, Rejected> {
        let mut changes: BTreeMap<UniqueName, NameChange> = BTreeMap::new();
        for change in self.changes() {
            for name in &change.released {
                let released = NameChange::Release(name.clone(), change.stream);
                changes.insert(name.clone(), released);
            }
        }
        for change in self.changes() {
            for name in &change.taken {
                let (name, to) = (name.clone(), change.stream);
                let taken = match changes.get(&name) {
                    None => NameChange::Take(name.clone(), to),
                    Some(NameChange::Release(_, from)) => {
                        let from = *from;
                        NameChange::HandOver {
                            name: name.clone(),
                            from,
                            to,
                        }
                    }
                    Some(NameChange::Take(..) | NameChange::HandOver { .. }) => {
                        return Err(Rejected::name_taken(&name));
                    }
                };
                changes.insert(name, taken);
            }
        }
        Ok(changes.into_values().collect())
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

/// The names that are given back and the names that are taken: they follow from the states alone,
/// whatever the command was.
fn name_changes(
    mut before: Vec<UniqueName>,
    mut after: Vec<UniqueName>,
) -> (Vec<UniqueName>, Vec<UniqueName>) {
    let kept: Vec<_> = before.extract_if(.., |name| after.contains(name)).collect();
    after.retain(|name| !kept.contains(name));
    (before, after)
}

#[cfg(test)]
mod tests;
