//! The decision on a command: all that it is to commit, before the append.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use domain::counter::Counter;
use domain::decider::fold;
use domain::registry::{Event, Registered};
use domain::unique_name::UniqueName;
use event_store::envelope::{StreamId, Version};
use event_store::incarnation::IncarnationId;
use event_store::write::append::StreamAppend;
use event_store::write::counter::CounterChange;
use event_store::write::name::NameChange;

use crate::any_state::AnyState;
use crate::error::{CommandError, Rejected};
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};
use crate::token::MAX_STREAMS;

/// All that one command is to commit.
#[derive(Debug)]
pub(crate) struct Decision {
    /// The change of the aggregate that the command names.
    pub(crate) subject: Change,
    /// The changes that are written together with the subject's.
    pub(crate) others: Vec<Change>,
    /// The guards: streams that the decision rests on and does not write, and the versions at which they
    /// must still be.
    reads: Vec<(StreamId, Version)>,
    bounds: Vec<Bound>,
}

/// The bound on a counter under which the decision may be carried out.
#[derive(Debug)]
struct Bound {
    counter: Counter,
    within: RangeInclusive<i64>,
    refusal: Rejected,
}

/// The change of one stream.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) stream: StreamId,
    pub(crate) before: Version,
    pub(crate) events: Vec<Event>,
    pub(crate) after: Arc<dyn AnyState>,
    released: Vec<UniqueName>,
    taken: Vec<UniqueName>,
    /// The amounts to add to counters; a negative amount is taken away.
    counted: BTreeMap<Counter, i64>,
}

impl<D: Registered> Loaded<D> {
    /// Returns the change that the aggregate decides on, or its rejection.
    pub(crate) fn decide(self, command: &D::Command) -> Result<Change, Rejected> {
        let events = self
            .state
            .decide(command)
            .map_err(|rejection| Rejected::by_rule(&rejection))?;
        let (names, counters) = (self.state.names(), self.state.counters());
        let after = fold(self.state, &events);
        let (released, taken) = name_changes(names, after.names());
        let counted = counter_changes(counters, after.counters());
        Ok(Change {
            stream: self.stream,
            before: self.version,
            released,
            taken,
            counted,
            events: events.into_iter().map(Into::into).collect(),
            after: Arc::new(after),
        })
    }
}

impl Change {
    /// Returns the version of the stream after the change.
    pub(crate) fn version(&self) -> Version {
        self.before.plus(self.events.len())
    }
}

impl From<Change> for Decision {
    fn from(subject: Change) -> Self {
        Self {
            subject,
            others: Vec::new(),
            reads: Vec::new(),
            bounds: Vec::new(),
        }
    }
}

impl Decision {
    /// Rejects a decision that changes more streams than a token can name.
    pub(crate) fn within_bounds(self) -> Result<Self, CommandError> {
        match self.changes().count() {
            ..=MAX_STREAMS => Ok(self),
            streams => Err(Rejected::too_large(streams).into()),
        }
    }

    /// Adds another change to the decision, which commits together with it.
    pub(crate) fn with(mut self, other: Change) -> Self {
        self.others.push(other);
        self
    }

    /// Requires that the counter is within these bounds when the decision is carried out, else the command
    /// is rejected. The count includes what the decision itself adds or takes away. A decision that has
    /// nothing to do requires nothing.
    pub(crate) fn require(
        mut self,
        counter: Counter,
        within: RangeInclusive<i64>,
        refusal: Rejected,
    ) -> Self {
        self.bounds.push(Bound {
            counter,
            within,
            refusal,
        });
        self
    }

    /// Requires that the streams which were loaded for the decision did not change since.
    pub(crate) fn resting_on(mut self, streams: &Streams<'_>) -> Self {
        let written = self.changes().filter(|change| !change.events.is_empty());
        let written = written.map(|change| (change.stream, change.before));
        self.reads = streams.read_besides(written);
        self
    }

    /// Returns the streams that the decision rests on and does not write, with the versions at which they
    /// must still be.
    pub(crate) fn reads(&self) -> &[(StreamId, Version)] {
        &self.reads
    }

    /// Returns all changes, the subject's first.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        std::iter::once(&self.subject).chain(&self.others)
    }

    /// Returns true if there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes().all(|change| change.events.is_empty())
    }

    /// Returns the events to append to each stream.
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

    /// Returns the names that are taken, released and handed over.
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

    /// Returns the amounts to add to counters, and the bounds that are required of them.
    pub(crate) fn counters(&self) -> Vec<CounterChange> {
        let mut changes: BTreeMap<&Counter, (i64, Option<RangeInclusive<i64>>)> = BTreeMap::new();
        for (counter, added) in self.changes().flat_map(|change| &change.counted) {
            changes.entry(counter).or_default().0 += added;
        }
        for Bound {
            counter, within, ..
        } in &self.bounds
        {
            let (_, all) = changes.entry(counter).or_default();
            *all = Some(match all.take() {
                None => within.clone(),
                Some(other) => *within.start().max(other.start())..=*within.end().min(other.end()),
            });
        }
        changes.retain(|_, (added, within)| *added != 0 || within.is_some());
        let change = |(counter, (added, within)): (&Counter, _)| CounterChange {
            counter: counter.clone(),
            added,
            within,
        };
        changes.into_iter().map(change).collect()
    }

    /// Returns the rejection of the bound that this stored count would break.
    pub(crate) fn refusal(&self, counter: &Counter, count: i64) -> Rejected {
        let added: i64 = self
            .changes()
            .filter_map(|change| change.counted.get(counter))
            .sum();
        let mut bounds = self.bounds.iter();
        let is_broken =
            |bound: &&Bound| bound.counter == *counter && !bound.within.contains(&(count + added));
        let broken = bounds.find(is_broken);
        broken
            .expect("a count is held against the bounds of its decision only")
            .refusal
            .clone()
    }

    /// Returns the receipt that the caller gets after the commit, in this incarnation of the log.
    pub(crate) fn receipt(&self, incarnation: IncarnationId) -> Receipt {
        let streams = self
            .changes()
            .map(|change| (change.stream, change.version()));
        Receipt {
            incarnation,
            streams: streams.collect(),
        }
    }
}

/// Returns the names that are released and the names that are taken. Both follow from the states alone,
/// whatever the command was.
fn name_changes(
    mut before: Vec<UniqueName>,
    mut after: Vec<UniqueName>,
) -> (Vec<UniqueName>, Vec<UniqueName>) {
    let kept: Vec<_> = before.extract_if(.., |name| after.contains(name)).collect();
    after.retain(|name| !kept.contains(name));
    (before, after)
}

/// Returns the amounts to add to counters. The amounts follow from the states alone, too.
fn counter_changes(before: Vec<Counter>, after: Vec<Counter>) -> BTreeMap<Counter, i64> {
    let mut added = BTreeMap::new();
    for counter in after {
        *added.entry(counter).or_default() += 1;
    }
    for counter in before {
        *added.entry(counter).or_default() -= 1;
    }
    added.retain(|_, added| *added != 0);
    added
}

#[cfg(test)]
mod tests;
