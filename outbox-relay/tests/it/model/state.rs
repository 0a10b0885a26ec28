//! The state of the model, and the properties that must hold in it.

mod steps;

use self::steps::Steps;
use super::{PARTITIONS, STARTS, Safeguards};

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    kafka: Kafka,
    publishers: [Publisher; 2],
    /// Starts of publishers, so far.
    starts: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Kafka {
    /// The producer that started last: the others are fenced.
    producer: u8,
    /// Positions in each partition, as readers of committed messages see them.
    committed: [Vec<u8>; 2],
    /// The last committed record of progress.
    record: Record,
    /// A transaction that is decided, as far as it is not finished.
    decided: Option<Transaction>,
    takes_large: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Record {
    /// Everything up to here is in Kafka, or was passed over.
    position: u8,
    /// Only where events are published around a refused one.
    passed_over: Option<u8>,
}

/// What a transaction holds of each partition, and of the topic of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Transaction {
    events: [Vec<u8>; 2],
    record: Option<Record>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Publisher {
    /// It has not started, has crashed, or has given its producer up.
    Idle,
    /// Only where the record is read too early.
    HasRead {
        record: Record,
    },
    Started {
        producer: u8,
        early: Option<Record>,
    },
    Leads(Leader),
    Sent(Leader, Transaction),
    /// Only where the record is written in a transaction of its own.
    Unrecorded(Leader),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Leader {
    producer: u8,
    /// What the last record that it knows of says.
    record: Record,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            kafka: Kafka::default(),
            publishers: [Publisher::Idle, Publisher::Idle],
            starts: 0,
        }
    }

    /// Returns a property that is broken in this state already.
    pub(super) fn wrong(&self, with: Safeguards) -> Option<String> {
        for (partition, positions) in self.kafka.committed.iter().enumerate() {
            if !positions.is_sorted_by(|a, b| a < b) {
                return Some(format!(
                    "positions do not ascend in partition {partition}: {positions:?}"
                ));
            }
        }
        // What is decided is as good as there.
        let decided = self.kafka.decided.clone().unwrap_or_default();
        let record = decided.record.unwrap_or(self.kafka.record).position;
        let is_there = |position: u8| {
            let partition = partition(position);
            [&self.kafka.committed, &decided.events]
                .iter()
                .any(|events| events[partition].contains(&position))
        };
        // Where a safeguard is left out that this property is made of, its use shows in the order above.
        let may_miss = with == Safeguards::PublishesAround;
        let may_have_more = with == Safeguards::RecordApart;
        let wrong = (1..=last()).find(|position| match *position <= record {
            true => !is_there(*position) && !may_miss,
            false => is_there(*position) && !may_have_more,
        });
        wrong.map(|position| {
            format!("the record does not tell what is in Kafka: it says {record}, see {position}")
        })
    }

    /// Returns a property that is broken when there is nothing more to do.
    pub(super) fn wrong_at_the_end(&self, with: Safeguards) -> Option<String> {
        let there: usize = self.kafka.committed.iter().map(Vec::len).sum();
        let missing = || format!("only {there} events are in Kafka in the end");
        self.wrong(with)
            .or_else(|| (there != PARTITIONS.len()).then(missing))
    }

    /// Returns the same state with the publishers in a fixed order: neither is special.
    pub(super) fn sorted(mut self) -> Self {
        self.publishers.sort_unstable();
        self
    }

    /// Returns the state after both publishers crashed here, Kafka finished what is decided, and the limit
    /// was raised.
    pub(super) fn abandoned(&self) -> Self {
        let mut state = self.clone();
        state.publishers = [Publisher::Idle, Publisher::Idle];
        state.starts = 0;
        state.kafka.takes_large = true;
        state.kafka.finish();
        state
    }

    /// Returns how it ends when one publisher leads from here on, and nothing disturbs it.
    pub(super) fn end(&self, with: Safeguards) -> Self {
        let mut state = self.clone();
        // The first step is the undisturbed one. It sends one event at a time, which only takes more
        // transactions.
        while let Some((_, mut next)) = state.publisher_steps(0, with).into_iter().next() {
            next.kafka.finish();
            if next.wrong(with).is_some() {
                return next;
            }
            state = next;
        }
        state
    }

    pub(super) fn successors(&self, with: Safeguards) -> Vec<(String, Self)> {
        let mut next = Vec::new();
        for i in 0..self.publishers.len() {
            if self.publishers[i] != Publisher::Idle {
                let mut crashed = self.clone();
                crashed.publishers[i] = Publisher::Idle;
                next.push((format!("{i} crashes"), crashed));
            } else if self.starts == STARTS {
                continue;
            }
            next.extend(self.publisher_steps(i, with));
        }
        if !self.kafka.takes_large {
            let mut raised = self.clone();
            raised.kafka.takes_large = true;
            next.push(("the limit is raised".to_owned(), raised));
        }
        for place in [Place::Partition(0), Place::Partition(1), Place::Record] {
            let mut state = self.clone();
            if state.kafka.finish_in(place) {
                next.push((format!("Kafka finishes in {place:?}"), state));
            }
        }
        next
    }

    fn publisher_steps(&self, i: usize, with: Safeguards) -> Vec<(String, Self)> {
        let mut steps = Steps {
            state: self,
            publisher: i,
            with,
            next: Vec::new(),
        };
        steps.all();
        steps.next
    }
}

/// Where a transaction is finished by itself.
#[derive(Clone, Copy, Debug)]
enum Place {
    Partition(usize),
    Record,
}

impl Kafka {
    /// Shows readers what a decided transaction holds in one place. Returns whether there was anything.
    fn finish_in(&mut self, place: Place) -> bool {
        let Some(decided) = self.decided.as_mut() else {
            return false;
        };
        let any = match place {
            Place::Partition(partition) => {
                let events = std::mem::take(&mut decided.events[partition]);
                let any = !events.is_empty();
                self.committed[partition].extend(events);
                any
            }
            Place::Record => match decided.record.take() {
                Some(record) => {
                    self.record = record;
                    true
                }
                None => false,
            },
        };
        if *decided == Transaction::default() {
            self.decided = None;
        }
        any
    }

    fn finish(&mut self) {
        for place in [Place::Partition(0), Place::Partition(1), Place::Record] {
            self.finish_in(place);
        }
    }
}

fn partition(position: u8) -> usize {
    PARTITIONS[usize::from(position) - 1]
}

fn last() -> u8 {
    u8::try_from(PARTITIONS.len()).expect("few events")
}
