//! The state of the model, and what can happen in it.

use super::{BATCH, CRASHES, LARGE, Rules, STARTS, STREAMS, TURNS};

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    postgres: Postgres,
    kafka: Kafka,
    publishers: [Publisher; 2],
    /// Turns begun, producers started and crashes, so far.
    turns: u8,
    starts: u8,
    crashes: u8,
    operator: Operator,
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

/// How much the operator has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operator {
    /// May raise the limit of the topic.
    Nothing,
    /// May ask for another attempt, or skip.
    RaisedTheLimit,
    Decided,
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
    /// Kafka refused the large event, which was sent alone.
    WasRefused(Leader),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Leader {
    epoch: u8,
    producer: u8,
    position: u8,
    /// From where on each stream is held back.
    held: [Option<u8>; 2],
    skipped: Vec<u8>,
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
            operator: Operator::Nothing,
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
        state.operator = Operator::Decided;
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
        next.extend(self.operator_steps());
        next
    }

    fn operator_steps(&self) -> Vec<(String, Self)> {
        let mut next = Vec::new();
        let mut raised = self.clone();
        (raised.operator, raised.kafka.takes_large) = (Operator::RaisedTheLimit, true);
        let mut decides = |name: &str, row| {
            let mut decided = self.clone();
            decided.operator = Operator::Decided;
            *decided.row_mut(LARGE) = Some(row);
            next.push((format!("the operator {name}"), decided));
        };
        let is_refused = self.row(LARGE) == Some(Row::Refused);
        match self.operator {
            Operator::Nothing => next.push(("the operator raises the limit".to_owned(), raised)),
            Operator::RaisedTheLimit if is_refused => {
                decides("asks for another attempt", Row::RetryRequested);
                decides("skips", Row::Skipped);
            }
            Operator::RaisedTheLimit | Operator::Decided => {}
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

/// What one publisher can do next; the first is what it does when it leads alone.
struct Steps<'a> {
    state: &'a State,
    publisher: usize,
    rules: Rules,
    next: Vec<(String, State)>,
}

impl Steps<'_> {
    fn all(&mut self) {
        match self.state.publishers[self.publisher].clone() {
            Publisher::StandsBy => self.take_lease(),
            Publisher::HasLease { epoch } if self.rules == Rules::ReadBeforeFencing => {
                let record = self.state.kafka.record;
                self.becomes("reads the record", Publisher::HasRead { epoch, record });
            }
            Publisher::HasLease { epoch } => self.start(epoch, None),
            Publisher::HasRead { epoch, record } => self.start(epoch, Some(record)),
            Publisher::Started {
                epoch,
                producer,
                early,
            } => {
                let record = early.unwrap_or(self.state.kafka.record);
                let read = Publisher::Read {
                    epoch,
                    producer,
                    record,
                };
                self.becomes("reads the record", read);
            }
            Publisher::Read {
                epoch,
                producer,
                record,
            } => {
                let confirmed = Publisher::Confirmed {
                    epoch,
                    producer,
                    record,
                };
                self.in_postgres("confirms and deletes released rows", epoch, |state| {
                    if let Some(released) = record.released {
                        state.delete_released(released);
                    }
                    confirmed
                });
            }
            Publisher::Confirmed {
                epoch,
                producer,
                record,
            } => self.read_rows(epoch, producer, record.position),
            Publisher::Leads(leader) => self.look_or_publish(leader),
            Publisher::Prepared(leader, transaction) => {
                if self.rules == Rules::RowsAfterTheCommit {
                    self.becomes("goes on", Publisher::Ready(leader, transaction));
                } else {
                    self.let_wait(
                        &leader.clone(),
                        &transaction.clone(),
                        Publisher::Ready(leader, transaction),
                    );
                }
            }
            Publisher::Ready(leader, transaction) => self.send(leader, transaction),
            Publisher::Sent(leader, transaction) => self.commit(leader, transaction),
            Publisher::Committed(leader, transaction) => self.after_commit(leader, transaction),
            Publisher::WasRefused(leader) => {
                let epoch = leader.epoch;
                self.in_postgres("notes the refusal", epoch, |state| {
                    *state.row_mut(LARGE) = Some(Row::Refused);
                    Publisher::HasLease { epoch }
                });
            }
        }
    }

    fn push(&mut self, what: &str, mut state: State, publisher: Publisher) {
        state.publishers[self.publisher] = publisher;
        self.next
            .push((format!("{} {what}", self.publisher), state));
    }

    fn becomes(&mut self, what: &str, publisher: Publisher) {
        self.push(what, self.state.clone(), publisher);
    }

    /// A statement that changes something only under the lease.
    fn in_postgres(&mut self, what: &str, epoch: u8, change: impl FnOnce(&mut State) -> Publisher) {
        let mut state = self.state.clone();
        if state.postgres.epoch == epoch || self.rules == Rules::NoLeaseInPostgres {
            let publisher = change(&mut state);
            self.push(what, state, publisher);
        } else {
            self.push("finds that the lease is lost", state, Publisher::StandsBy);
        }
    }

    fn take_lease(&mut self) {
        let mut state = self.state.clone();
        state.postgres.epoch += 1;
        state.turns += 1;
        let epoch = state.postgres.epoch;
        self.push("takes the lease", state, Publisher::HasLease { epoch });
    }

    /// `init_transactions`: ends the open transaction and fences the producer before.
    fn start(&mut self, epoch: u8, early: Option<Record>) {
        let mut state = self.state.clone();
        state.starts += 1;
        state.kafka.producer += 1;
        state.kafka.open.clear();
        let producer = state.kafka.producer;
        let started = Publisher::Started {
            epoch,
            producer,
            early,
        };
        self.push("fences the one before", state, started);
    }

    fn read_rows(&mut self, epoch: u8, producer: u8, position: u8) {
        let mut held = [None; 2];
        let mut skipped = Vec::new();
        for p in (1..=last()).rev() {
            match self.state.row(p) {
                Some(Row::Skipped) if p > position => skipped.push(p),
                Some(Row::Skipped) | None => {}
                Some(_) => held[usize::from(stream(p))] = Some(p),
            }
        }
        let leader = Leader {
            epoch,
            producer,
            position,
            held,
            skipped,
        };
        self.becomes("reads the rows", Publisher::Leads(leader));
    }

    fn look_or_publish(&mut self, leader: Leader) {
        if let Some((stream_id, sent)) = self.next_release(&leader) {
            let up_to = *sent.last().expect("a release has an event");
            let is_told = self.rules != Rules::NoReleaseInTheRecord;
            let transaction = Transaction {
                sent,
                waiting: Vec::new(),
                record: Record {
                    position: leader.position,
                    released: is_told.then_some((stream_id, up_to)),
                },
                releases: Some((stream_id, up_to)),
            };
            self.becomes(
                "looks, and has something to release",
                Publisher::Ready(leader.clone(), transaction),
            );
        } else {
            let mut free = leader.clone();
            for (stream_id, first) in (0..).zip(&mut free.held) {
                let mut positions = (1..=last()).filter(|p| stream(*p) == stream_id);
                *first = first.filter(|_| positions.any(|p| self.keeps_held(p, leader.position)));
            }
            if free != leader {
                self.becomes("looks, and lets a stream go", Publisher::Leads(free));
            }
        }
        for size in 1..=BATCH.min(last() - leader.position) {
            let end = leader.position + size;
            let mut transaction = Transaction {
                sent: Vec::new(),
                waiting: Vec::new(),
                record: Record {
                    position: end,
                    released: None,
                },
                releases: None,
            };
            for p in leader.position + 1..=end {
                let first = leader.held[usize::from(stream(p))];
                let waits =
                    first.is_some_and(|first| p >= first) && self.rules != Rules::NobodyWaits;
                if leader.skipped.contains(&p) {
                    continue;
                }
                if waits || self.is_known_as_refused(p) {
                    transaction.waiting.push(p);
                } else {
                    transaction.sent.push(p);
                }
            }
            let what = format!("reads up to {end}");
            self.becomes(&what, Publisher::Prepared(leader.clone(), transaction));
        }
    }

    /// Where nobody waits, the refused one alone does, or it would be refused for ever.
    fn is_known_as_refused(&self, position: u8) -> bool {
        self.rules == Rules::NobodyWaits && self.state.row(position).is_some()
    }

    /// Whether a row keeps its stream held back: a skipped one too, until it was passed, because the
    /// publisher may not know yet that it is skipped.
    fn keeps_held(&self, p: u8, position: u8) -> bool {
        match self.state.row(p) {
            None => false,
            Some(Row::Skipped) => p > position && self.rules != Rules::LetsGoTooEarly,
            Some(Row::Waits | Row::Refused | Row::RetryRequested) => true,
        }
    }

    fn next_release(&self, leader: &Leader) -> Option<(u8, Vec<u8>)> {
        let line = |stream_id: u8| {
            (1..=leader.position)
                .filter(move |p| stream(*p) == stream_id)
                .filter_map(|p| Some((p, self.state.row(p)?)))
                .filter(|(_, row)| *row != Row::Skipped)
        };
        (0..2_u8)
            .filter(|s| leader.held[usize::from(*s)].is_some())
            .find_map(|s| match line(s).next()? {
                (first, Row::RetryRequested) => Some((s, vec![first])),
                (_, Row::Waits) => {
                    let waiting = line(s).take_while(|(_, row)| *row == Row::Waits);
                    let positions = waiting.map(|(p, _)| p).take(usize::from(BATCH));
                    Some((s, positions.collect()))
                }
                (_, Row::Refused | Row::Skipped) => None,
            })
    }

    fn let_wait(&mut self, leader: &Leader, transaction: &Transaction, then: Publisher) {
        if transaction.waiting.is_empty() {
            self.becomes("goes on", then);
            return;
        }
        let waiting = transaction.waiting.clone();
        self.in_postgres("lets events wait", leader.epoch, |state| {
            for p in waiting {
                state.row_mut(p).get_or_insert(Row::Waits);
            }
            then
        });
    }

    fn send(&mut self, leader: Leader, transaction: Transaction) {
        let mut state = self.state.clone();
        if self.is_fenced(&leader) {
            self.push("is fenced", state, Publisher::StandsBy);
        } else if transaction.sent.contains(&LARGE) && !state.kafka.takes_large {
            // The transaction is given up, and the producer with it.
            state.kafka.open.clear();
            let next = match transaction.sent[..] {
                [_] => Publisher::WasRefused(leader),
                _ => Publisher::HasLease {
                    epoch: leader.epoch,
                },
            };
            self.push("is refused", state, next);
        } else {
            state.kafka.open.clone_from(&transaction.sent);
            self.push("sends", state, Publisher::Sent(leader, transaction));
        }
    }

    fn commit(&mut self, leader: Leader, transaction: Transaction) {
        let mut state = self.state.clone();
        if self.is_fenced(&leader) {
            self.push("is fenced", state, Publisher::StandsBy);
            return;
        }
        state.kafka.open.clear();
        state.kafka.committed.extend(&transaction.sent);
        state.kafka.record = transaction.record;
        self.push("commits", state, Publisher::Committed(leader, transaction));
    }

    fn after_commit(&mut self, mut leader: Leader, transaction: Transaction) {
        leader.position = transaction.record.position;
        let then = Publisher::Leads(leader.clone());
        if let Some(released) = transaction.releases {
            self.in_postgres("deletes released rows", leader.epoch, |state| {
                state.delete_released(released);
                then
            });
        } else if self.rules == Rules::RowsAfterTheCommit {
            self.let_wait(&leader, &transaction, then);
        } else {
            self.becomes("goes on", then);
        }
    }

    fn is_fenced(&self, leader: &Leader) -> bool {
        self.state.kafka.producer != leader.producer && self.rules != Rules::NoFencing
    }
}

/// The stream of a position.
fn stream(position: u8) -> u8 {
    STREAMS[usize::from(position) - 1]
}

fn last() -> u8 {
    u8::try_from(STREAMS.len()).expect("few events")
}
