//! What a publisher does, step by step.

use super::super::{BATCH, LARGE, Rules};
use super::{Leader, Publisher, Record, Row, State, Transaction, last, stream};

/// What one publisher can do next; the first is what it does when it leads alone.
pub(super) struct Steps<'a> {
    pub(super) state: &'a State,
    pub(super) publisher: usize,
    pub(super) rules: Rules,
    pub(super) next: Vec<(String, State)>,
}

impl Steps<'_> {
    pub(super) fn all(&mut self) {
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
            Publisher::WasRefused(leader, position) => {
                let epoch = leader.epoch;
                self.in_postgres("notes the refusal", epoch, |state| {
                    let row = state.row_mut(position);
                    *row = row.filter(|r| *r == Row::Skipped).or(Some(Row::Refused));
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
            undeleted: None,
        };
        self.becomes("reads the rows", Publisher::Leads(leader));
    }

    fn look_or_publish(&mut self, leader: Leader) {
        if let Some(released) = leader.undeleted {
            let mut deleted = leader.clone();
            deleted.undeleted = None;
            self.in_postgres("deletes released rows", leader.epoch, |state| {
                state.delete_released(released);
                Publisher::Leads(deleted)
            });
        } else {
            self.look(&leader);
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

    /// Releases events, or lets streams go that have no row any more.
    fn look(&mut self, leader: &Leader) {
        let (stream_id, line) = self.next_release(leader).unwrap_or_default();
        for size in 1..=line.len() {
            let sent = line[..size].to_vec();
            let up_to = sent[size - 1];
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
            let what = format!("looks, and has {size} to release");
            self.becomes(&what, Publisher::Ready(leader.clone(), transaction));
        }
        let mut free = leader.clone();
        for (stream_id, first) in (0..).zip(&mut free.held) {
            let mut positions = (1..=last()).filter(|p| stream(*p) == stream_id);
            *first = first.filter(|_| positions.any(|p| self.keeps_held(p, leader.position)));
        }
        if free != *leader {
            self.becomes("lets a stream go", Publisher::Leads(free));
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
        let up_to = match self.rules {
            Rules::ReleasesBeyondThePosition => last(),
            _ => leader.position,
        };
        let line = |stream_id: u8| {
            (1..=up_to)
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
        } else if !state.kafka.takes_large && transaction.sent.iter().any(|p| LARGE.contains(p)) {
            // The transaction is given up, and the producer with it.
            state.kafka.open.clear();
            let next = match transaction.sent[..] {
                [position] => Publisher::WasRefused(leader, position),
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
        if let Some(released) = transaction.releases
            && self.rules == Rules::RowsDeletedLate
        {
            leader.undeleted = Some(released);
            self.becomes("goes on", Publisher::Leads(leader));
        } else if let Some(released) = transaction.releases {
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
