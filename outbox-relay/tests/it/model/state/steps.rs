//! What a publisher does, step by step.

use super::super::{BATCH, LARGE, Safeguards};
use super::{Kafka, Leader, Publisher, Record, State, Transaction, last, partition};

/// What one publisher can do next; the first is what it does when nothing disturbs it.
pub(super) struct Steps<'a> {
    pub(super) state: &'a State,
    pub(super) publisher: usize,
    pub(super) with: Safeguards,
    pub(super) next: Vec<(String, State)>,
}

impl Steps<'_> {
    pub(super) fn all(&mut self) {
        match self.state.publishers[self.publisher].clone() {
            Publisher::Idle if self.with == Safeguards::ReadBeforeFencing => {
                let mut state = self.state.clone();
                state.starts += 1;
                let record = state.kafka.record;
                self.push("reads the record", state, Publisher::HasRead { record });
            }
            Publisher::Idle => self.start(None),
            Publisher::HasRead { record } => self.start(Some(record)),
            Publisher::Started { producer, early } => {
                let leader = Leader {
                    producer,
                    record: early.unwrap_or(self.state.kafka.record),
                };
                self.becomes("reads the record", Publisher::Leads(leader));
            }
            Publisher::Leads(leader) => self.send_batches(&leader),
            Publisher::Sent(leader, transaction) => self.commit(leader, transaction),
            Publisher::Unrecorded(leader) => {
                let record = Some(leader.record);
                let transaction = Transaction {
                    record,
                    ..Transaction::default()
                };
                self.send(leader, transaction);
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

    /// `init_transactions`: fences the producer before, so that its open transaction is never committed. A
    /// transaction that is decided is finished first.
    fn start(&mut self, early: Option<Record>) {
        if self.must_wait() {
            return;
        }
        let mut state = self.state.clone();
        if early.is_none() {
            state.starts += 1;
        }
        state.kafka.producer += 1;
        let producer = state.kafka.producer;
        let started = Publisher::Started { producer, early };
        self.push("fences the one before", state, started);
    }

    /// Sends the next events of the log, as many as go into a transaction.
    fn send_batches(&mut self, leader: &Leader) {
        let mut leader = leader.clone();
        if let Some(late) = leader.record.passed_over
            && self.state.kafka.takes_large
        {
            leader.record.passed_over = None;
            let transaction = of_events(&[late], leader.record);
            self.send(leader, transaction);
            return;
        }
        let before = leader.record.position;
        for size in 1..=BATCH.min(last() - before) {
            leader.record.position = before + size;
            let mut sent: Vec<u8> = (before + 1..=before + size).collect();
            if sent.contains(&LARGE) && !self.state.kafka.takes_large {
                if self.with != Safeguards::PublishesAround {
                    self.becomes("is refused, and gives up", Publisher::Idle);
                    continue;
                }
                leader.record.passed_over = Some(LARGE);
                sent.retain(|position| *position != LARGE);
            }
            let mut transaction = of_events(&sent, leader.record);
            if self.with == Safeguards::RecordApart {
                transaction.record = None;
            }
            self.send(leader.clone(), transaction);
        }
    }

    /// Sends a transaction, unless it is fenced; or Kafka does not take all of it.
    fn send(&mut self, leader: Leader, transaction: Transaction) {
        if self.must_wait() {
            return;
        }
        if self.is_fenced(&leader) {
            self.becomes("is fenced", Publisher::Idle);
            return;
        }
        let sent = Publisher::Sent(leader.clone(), transaction.clone());
        self.becomes("sends", sent);
        self.becomes("sends in vain, and gives up", Publisher::Idle);
        if self.with == Safeguards::CommitsWhatWasTaken {
            let mut taken = transaction.clone();
            taken.events[0].pop();
            self.becomes("sends in part", Publisher::Sent(leader.clone(), taken));
        }
        if self.with == Safeguards::NoIdempotence {
            let mut swapped = transaction;
            swapped.events[0].reverse();
            let sent = Publisher::Sent(leader, swapped);
            self.becomes("sends, and sends the first message again", sent);
        }
    }

    fn commit(&mut self, leader: Leader, transaction: Transaction) {
        if self.is_fenced(&leader) {
            self.becomes("is fenced", Publisher::Idle);
            return;
        }
        let mut state = self.state.clone();
        let is_recorded = transaction.record.is_some();
        decide(&mut state.kafka, transaction);
        let then = if is_recorded {
            Publisher::Leads(leader)
        } else {
            Publisher::Unrecorded(leader)
        };
        self.push("commits", state.clone(), then);
        self.push("commits, and does not hear of it", state, Publisher::Idle);
    }

    fn is_fenced(&self, leader: &Leader) -> bool {
        self.state.kafka.producer != leader.producer && self.with != Safeguards::NoFencing
    }

    /// Whether Kafka has to finish a transaction first.
    fn must_wait(&self) -> bool {
        self.state.kafka.decided.is_some() && self.with != Safeguards::StartsDuringATransaction
    }
}

/// Decides a transaction. One that is not finished yet is finished first.
fn decide(kafka: &mut Kafka, transaction: Transaction) {
    kafka.finish();
    kafka.decided = Some(transaction);
}

/// A transaction of events, with the record that vouches for them.
fn of_events(positions: &[u8], record: Record) -> Transaction {
    let mut transaction = Transaction {
        record: Some(record),
        ..Transaction::default()
    };
    for position in positions {
        transaction.events[partition(*position)].push(*position);
    }
    transaction
}
