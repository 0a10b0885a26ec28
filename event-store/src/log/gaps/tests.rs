//! Unit tests, and an exhaustive search over schedules of a model of Postgres.
//!
//! The model holds what the proof speaks of: writers that get an id, draw a number, and commit or roll
//! back; snapshots with `xmin`, `xmax` and visibility as Postgres computes them; a sequencer whose
//! look and write are separate steps, and which may die between them and start again.

use std::collections::{BTreeSet, HashSet};

use super::{Gaps, TransactionId};

#[test]
fn skipped_numbers_are_gaps_until_they_appear() {
    let mut gaps = Gaps::default();
    gaps.take(&[1, 2, 5, 6, 9], 100);
    assert_eq!(gaps.high(), 9);
    assert_eq!(gaps.ranges(), (vec![3, 7], vec![4, 8]));
    assert_eq!(gaps.low(), 2);
    gaps.take(&[4, 7], 101);
    assert_eq!(gaps.ranges(), (vec![3, 8], vec![3, 8]));
    gaps.take(&[3], 102);
    assert_eq!(gaps.low(), 7);
    assert_eq!(gaps.missing(), 1);
}

#[test]
fn a_number_in_the_middle_of_a_gap_splits_it() {
    let mut gaps = Gaps::default();
    gaps.take(&[10], 100);
    gaps.take(&[5], 101);
    assert_eq!(gaps.ranges(), (vec![1, 6], vec![4, 9]));
}

#[test]
fn a_gap_is_given_up_only_when_every_older_transaction_has_ended() {
    let mut gaps = Gaps::default();
    gaps.take(&[3], 100);
    gaps.give_up(99, &[]);
    assert_eq!(gaps.missing(), 2);
    gaps.give_up(100, &[]);
    assert_eq!(gaps.missing(), 0);
    assert_eq!(gaps.low(), 3);
}

#[test]
fn what_the_last_snapshot_shows_in_a_hopeless_gap_is_kept() {
    let mut gaps = Gaps::default();
    gaps.take(&[5], 100);
    gaps.give_up(200, &[2]);
    assert_eq!(gaps.ranges(), (vec![2], vec![2]));
    gaps.take(&[2], 201);
    assert_eq!((gaps.missing(), gaps.low()), (0, 5));
}

#[test]
fn no_schedule_loses_or_doubles_an_event() {
    let explored = Model::new(BoundRule::OwnTransactionId).explore();
    assert!(
        explored.schedules_end > 1_000,
        "the search went somewhere: {explored:?}"
    );
    assert_eq!(explored.wrong, None);
}

/// The rule of many event stores, and of the first draft of this one.
#[test]
fn the_bound_xmax_would_lose_an_event() {
    let explored = Model::new(BoundRule::XmaxOfTheSnapshot).explore();
    assert!(
        explored.wrong.is_some(),
        "the search is able to find a loss"
    );
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum BoundRule {
    OwnTransactionId,
    XmaxOfTheSnapshot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Writer {
    Idle,
    HasId(TransactionId),
    Drew(TransactionId, i64),
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    seqs: Vec<i64>,
    xmin: TransactionId,
    xmax: TransactionId,
}

#[derive(Clone, Debug)]
struct Model {
    rule: BoundRule,
    writers: [Writer; 3],
    next_id: TransactionId,
    last_ended: TransactionId,
    next_seq: i64,
    committed: BTreeSet<i64>,
    gaps: Gaps,
    seen: Option<Seen>,
    log: Vec<i64>,
    /// As persisted with the log.
    low: i64,
    restarts_left: u8,
}

#[derive(Debug, Default)]
struct Explored {
    schedules_end: u64,
    wrong: Option<String>,
}

impl Model {
    fn new(rule: BoundRule) -> Self {
        Self {
            rule,
            writers: [Writer::Idle; 3],
            next_id: 100,
            last_ended: 99,
            next_seq: 1,
            committed: BTreeSet::new(),
            gaps: Gaps::default(),
            seen: None,
            log: Vec::new(),
            low: 0,
            restarts_left: 1,
        }
    }

    fn explore(self) -> Explored {
        let mut explored = Explored::default();
        let mut visited = HashSet::new();
        let mut open = vec![self];
        while let Some(state) = open.pop() {
            if !visited.insert(format!("{state:?}")) {
                continue;
            }
            if state.writers.iter().all(|w| *w == Writer::Ended) {
                explored.schedules_end += 1;
                if let Err(wrong) = state.settle() {
                    explored.wrong = Some(wrong);
                    return explored;
                }
            }
            open.extend(state.successors());
        }
        explored
    }

    fn successors(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for i in 0..self.writers.len() {
            match self.writers[i] {
                Writer::Idle => {
                    let mut s = self.clone();
                    s.writers[i] = Writer::HasId(s.assign());
                    next.push(s);
                }
                Writer::HasId(id) => {
                    let mut s = self.clone();
                    s.writers[i] = Writer::Drew(id, s.next_seq);
                    s.next_seq += 1;
                    next.push(s);
                }
                Writer::Drew(id, seq) => {
                    let mut rolled_back = self.clone();
                    rolled_back.end(i, id);
                    let mut committed = rolled_back.clone();
                    committed.committed.insert(seq);
                    next.extend([rolled_back, committed]);
                }
                Writer::Ended => {}
            }
        }
        let mut s = self.clone();
        if s.seen.is_some() {
            s.write();
        } else {
            s.look();
        }
        next.push(s);
        if self.restarts_left > 0 {
            let mut s = self.clone();
            s.restart();
            next.push(s);
        }
        next
    }

    fn assign(&mut self) -> TransactionId {
        self.next_id += 1;
        self.next_id - 1
    }

    fn end(&mut self, writer: usize, id: TransactionId) {
        self.writers[writer] = Writer::Ended;
        self.last_ended = self.last_ended.max(id);
    }

    /// `xmin` and `xmax` as Postgres computes them: `xmax` follows the highest id that has ended.
    fn snapshot(&self) -> (TransactionId, TransactionId) {
        let xmax = self.last_ended + 1;
        let running = self.writers.iter().filter_map(|w| match w {
            Writer::HasId(id) | Writer::Drew(id, _) => Some(*id),
            Writer::Idle | Writer::Ended => None,
        });
        (running.filter(|id| *id < xmax).min().unwrap_or(xmax), xmax)
    }

    fn look(&mut self) {
        let (xmin, xmax) = self.snapshot();
        let (firsts, lasts) = self.gaps.ranges();
        let in_gap = |seq: i64| {
            firsts
                .iter()
                .zip(&lasts)
                .any(|(f, l)| (*f..=*l).contains(&seq))
        };
        let wanted = |seq: &i64| *seq > self.gaps.high() || in_gap(*seq);
        let seqs = self.committed.iter().copied().filter(wanted).collect();
        self.seen = Some(Seen { seqs, xmin, xmax });
    }

    /// What `Sequencer::write` does.
    fn write(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        self.gaps.give_up(seen.xmin, &seen.seqs);
        if seen.seqs.is_empty() {
            return;
        }
        let own = self.assign();
        self.last_ended = self.last_ended.max(own);
        let bound = match self.rule {
            BoundRule::OwnTransactionId => own,
            BoundRule::XmaxOfTheSnapshot => seen.xmax,
        };
        self.gaps.take(&seen.seqs, bound);
        self.low = self.gaps.low();
        self.log.extend(seen.seqs);
    }

    /// What `Sequencer::take_over` does, after a death anywhere.
    fn restart(&mut self) {
        self.restarts_left -= 1;
        self.seen = None;
        let known: BTreeSet<i64> = self.log.iter().copied().filter(|s| *s > self.low).collect();
        let high = known.last().copied().unwrap_or(self.low);
        let missing: Vec<(i64, i64)> = (self.low + 1..=high)
            .filter(|s| !known.contains(s))
            .map(|s| (s, s))
            .collect();
        let (_, xmax) = self.snapshot();
        let own = self.assign();
        self.last_ended = self.last_ended.max(own);
        let bound = match self.rule {
            BoundRule::OwnTransactionId => own,
            BoundRule::XmaxOfTheSnapshot => xmax,
        };
        self.gaps = Gaps::recovered(high, &missing, bound);
    }

    /// All writers have ended: two more rounds must leave the log complete.
    fn settle(&self) -> Result<(), String> {
        let mut s = self.clone();
        s.write();
        for _ in 0..2 {
            s.look();
            s.write();
        }
        let logged: BTreeSet<i64> = s.log.iter().copied().collect();
        if logged.len() == s.log.len() && logged == s.committed {
            Ok(())
        } else {
            Err(format!(
                "committed {:?}, but the log has {:?}: {self:?}",
                s.committed, s.log
            ))
        }
    }
}
