//! The state of the model, and what must hold in it.

mod steps;

use self::steps::Steps;
use super::{CRASHES, DECISIONS, Rules, STARTS, STREAMS, TURNS};

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    postgres: Postgres,
    kafka: Kafka,
    publishers: [Publisher; 2],
    /// Turns begun, producers started, crashes and decisions of the operator, so far.
    turns: u8,
    starts: u8,
    crashes: u8,
    decisions: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Postgres {
    /// The epoch of the lease; whoever has it may lose it at any time.
    epoch: u8,
    /// `es.unpublished`, by position.
    rows: [Option<Row>; STREAMS.len()],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Row {
    Waits,
    Refused,
    RetryRequested,
    Skipped,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Kafka {
    /// The producer that started last: the others are fenced.
    producer: u8,
    /// Positions, in the order in which `read_committed` readers see them.
    committed: Vec<u8>,
    record: Record,
    /// What was sent and not committed.
    open: Vec<u8>,
    takes_large: bool,
}

/// The last record of progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Record {
    position: u8,
    /// A stream, and up to where it was released.
    released: Option<(u8, u8)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Publisher {
    StandsBy,
    HasLease {
        epoch: u8,
    },
    /// Only where the record is read too early.
    HasRead {
        epoch: u8,
        record: Record,
    },
    Started {
        epoch: u8,
        producer: u8,
        early: Option<Record>,
    },
    Read {
        epoch: u8,
        producer: u8,
        record: Record,
    },
    Confirmed {
        epoch: u8,
        producer: u8,
        record: Record,
    },
    Leads(Leader),
    /// Decided what comes next.
    Prepared(Leader, Transaction),
    /// Let wait what has to wait.
    Ready(Leader, Transaction),
    Sent(Leader, Transaction),
    Committed(Leader, Transaction),
    /// Kafka refused an event that was sent alone.
    WasRefused(Leader, u8),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Leader {
    epoch: u8,
    producer: u8,
    position: u8,
    /// From where on each stream is held back.
    held: [Option<u8>; 2],
    skipped: Vec<u8>,
    /// What was released and has its rows still: only where they are deleted late.
    undeleted: Option<(u8, u8)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Transaction {
    sent: Vec<u8>,
    waiting: Vec<u8>,
    record: Record,
    /// The stream that is released, and up to where.
    releases: Option<(u8, u8)>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            postgres: Postgres::default(),
            kafka: Kafka::default(),
            publishers: [Publisher::StandsBy, Publisher::StandsBy],
            turns: 0,
            starts: 0,
            crashes: 0,
            decisions: 0,
        }
    }

    /// What is wrong in this state already.
    pub(super) fn wrong(&self, rules: Rules) -> Option<String> {
        let committed = &self.kafka.committed;
        for (i, position) in committed.iter().enumerate() {
            if committed[..i].contains(position) {
                return Some(format!("{position} is in Kafka twice"));
            }
            let is_there =
                |p: &u8| committed[..i].contains(p) || self.row(*p) == Some(Row::Skipped);
            let before = (1..*position).filter(|p| stream(*p) == stream(*position));
            if let Some(missing) = before.into_iter().find(|p| !is_there(p)) {
                return Some(format!(
                    "{position} is in Kafka before {missing} of its stream"
                ));
            }
        }
        let Record { position, released } = self.kafka.record;
        for p in 1..=position {
            let is_released = released.is_some_and(|(s, up_to)| stream(p) == s && p <= up_to);
            match (committed.contains(&p), self.row(p)) {
                (false, None) => return Some(format!("{p} is neither in Kafka nor has it a row")),
                (true, Some(Row::Skipped)) => {
                    return Some(format!("{p} is in Kafka and was skipped"));
                }
                // Where the record does not tell, this shows when the event is sent once more.
                (true, Some(_)) if !is_released && rules != Rules::NoReleaseInTheRecord => {
                    return Some(format!("{p} is in Kafka and has a row"));
                }
                _ => {}
            }
        }
        None
    }

    /// What is wrong when there is nothing more to do.
    pub(super) fn wrong_at_the_end(&self, rules: Rules) -> Option<String> {
        let is_missing =
            |p: &u8| self.kafka.committed.contains(p) == (self.row(*p) == Some(Row::Skipped));
        let missing: Vec<u8> = (1..=last()).filter(is_missing).collect();
        let wrong = || format!("in the end {missing:?} are not in Kafka, or skipped and there");
        self.wrong(rules)
            .or_else(|| (!missing.is_empty()).then(wrong))
    }

    /// The same with the publishers in a fixed order: neither is better than the other.
    pub(super) fn sorted(mut self) -> Self {
        self.publishers.sort_unstable();
        self
    }

    /// What becomes of everything when both publishers crash here, the limit is raised, and the
    /// operator asks for another attempt at what is refused.
    pub(super) fn abandoned(&self) -> Self {
        let mut state = self.clone();
        state.publishers = [Publisher::StandsBy, Publisher::StandsBy];
        (state.turns, state.starts, state.crashes) = (0, 0, 0);
        state.kafka.takes_large = true;
        state.decisions = DECISIONS;
        for row in &mut state.postgres.rows {
            if *row == Some(Row::Refused) {
                *row = Some(Row::RetryRequested);
            }
        }
        state
    }

    /// How it ends when one publisher leads from here on, and nobody disturbs it.
    pub(super) fn end(&self, rules: Rules) -> Self {
        let mut state = self.clone();
        // It sends one event at a time, which only takes more transactions.
        while let Some((_, next)) = state.publisher_steps(0, rules).into_iter().next() {
            if state.is_done() || next.wrong(rules).is_some() {
                return next;
            }
            state = next;
        }
        state
    }

    fn is_done(&self) -> bool {
        let Publisher::Leads(leader) = &self.publishers[0] else {
            return false;
        };
        leader.position == last()
            && self
                .postgres
                .rows
                .iter()
                .flatten()
                .all(|r| *r == Row::Skipped)
    }

    pub(super) fn successors(&self, rules: Rules) -> Vec<(String, Self)> {
        let mut next = Vec::new();
        for i in 0..self.publishers.len() {
            let stands_by = self.publishers[i] == Publisher::StandsBy;
            let starts = matches!(
                self.publishers[i],
                Publisher::HasLease { .. } | Publisher::HasRead { .. }
            );
            if (stands_by && self.turns == TURNS) || (starts && self.starts == STARTS) {
                continue;
            }
            next.extend(self.publisher_steps(i, rules));
            if !stands_by && self.crashes < CRASHES {
                let mut crashed = self.clone();
                crashed.crashes += 1;
                crashed.publishers[i] = Publisher::StandsBy;
                next.push((format!("{i} crashes"), crashed));
            }
        }
        next.extend(self.operator_steps(rules));
        next
    }

    /// The operator may raise the limit at any time, and decide about what is refused before and after.
    fn operator_steps(&self, rules: Rules) -> Vec<(String, Self)> {
        let mut next = Vec::new();
        if !self.kafka.takes_large {
            let mut raised = self.clone();
            raised.kafka.takes_large = true;
            next.push(("the operator raises the limit".to_owned(), raised));
        }
        let is_refused = |p: &u8| matches!(self.row(*p), Some(Row::Refused | Row::RetryRequested));
        let Some(first) = (1..=last()).find(is_refused) else {
            return next;
        };
        let mut decides = |name: &str, row| {
            let mut decided = self.clone();
            decided.decisions += 1;
            *decided.row_mut(first) = Some(row);
            next.push((format!("the operator {name} {first}"), decided));
        };
        let is_tried_again = self.row(first) == Some(Row::RetryRequested);
        if self.decisions < DECISIONS && !is_tried_again {
            decides("asks for another attempt at", Row::RetryRequested);
        }
        if self.decisions < DECISIONS && (!is_tried_again || rules == Rules::SkipsWhatIsTriedAgain)
        {
            decides("skips", Row::Skipped);
        }
        next
    }

    fn publisher_steps(&self, i: usize, rules: Rules) -> Vec<(String, Self)> {
        let mut steps = Steps {
            state: self,
            publisher: i,
            rules,
            next: Vec::new(),
        };
        steps.all();
        steps.next
    }

    fn row(&self, position: u8) -> Option<Row> {
        self.postgres.rows[usize::from(position) - 1]
    }

    fn row_mut(&mut self, position: u8) -> &mut Option<Row> {
        &mut self.postgres.rows[usize::from(position) - 1]
    }

    fn delete_released(&mut self, (stream_id, up_to): (u8, u8)) {
        for p in (1..=up_to).filter(|p| stream(*p) == stream_id) {
            let row = self.row_mut(p);
            *row = row.filter(|row| *row == Row::Skipped);
        }
    }
}

/// The stream of a position.
fn stream(position: u8) -> u8 {
    STREAMS[usize::from(position) - 1]
}

fn last() -> u8 {
    u8::try_from(STREAMS.len()).expect("few events")
}
