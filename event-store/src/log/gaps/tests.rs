//! Unit tests, and an exhaustive search over schedules of a model of Postgres.
//!
//! The model holds what the proof speaks of: writers that take the lock, draw a number, and commit or roll
//! back; a sequencer whose snapshot, reading of the lock's holders and write are separate steps, and which may
//! die between them and start again.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::{Gaps, Holders};

fn holders(of: &[&str]) -> Arc<Holders> {
    Arc::new(of.iter().map(|&holder| holder.to_owned()).collect())
}

#[test]
fn skipped_numbers_are_gaps_until_they_appear() {
    let mut gaps = Gaps::default();
    gaps.take(&[1, 2, 5, 6, 9]);
    assert_eq!(gaps.high(), 9);
    assert_eq!(gaps.ranges(), (vec![3, 7], vec![4, 8]));
    assert_eq!(gaps.low(), 2);
    gaps.take(&[4, 7]);
    assert_eq!(gaps.ranges(), (vec![3, 8], vec![3, 8]));
    gaps.take(&[3]);
    assert_eq!(gaps.low(), 7);
    assert_eq!(gaps.missing(), 1);
}

#[test]
fn a_number_in_the_middle_of_a_gap_splits_it() {
    let mut gaps = Gaps::default();
    gaps.take(&[10]);
    gaps.take(&[5]);
    assert_eq!(gaps.ranges(), (vec![1, 6], vec![4, 9]));
}

#[test]
fn a_gap_is_given_up_only_after_every_writer_of_its_time_has_ended() {
    let mut gaps = Gaps::default();
    gaps.take(&[3]);
    gaps.observe(&[], &holders(&["1/1", "2/1"]));
    gaps.observe(&[], &holders(&["2/1", "3/1"]));
    // Later writers draw higher numbers.
    gaps.observe(&[], &holders(&["1/2", "3/1"]));
    assert_eq!(gaps.missing(), 2, "the look may show what the writers left");
    gaps.observe(&[], &holders(&["1/2", "3/1"]));
    assert_eq!(gaps.missing(), 0);
    assert_eq!(gaps.low(), 3);
}

#[test]
fn what_the_last_snapshot_shows_in_a_hopeless_gap_is_kept() {
    let mut gaps = Gaps::default();
    gaps.take(&[5]);
    gaps.observe(&[], &holders(&[]));
    gaps.observe(&[2], &holders(&[]));
    assert_eq!(gaps.ranges(), (vec![2], vec![2]));
    gaps.take(&[2]);
    assert_eq!((gaps.missing(), gaps.low()), (0, 5));
}

#[test]
fn no_schedule_loses_or_doubles_an_event() {
    let explored = Model::new(Rule::NextLook).explore();
    assert!(
        explored.schedules_end > 1_000,
        "the search went somewhere: {explored:?}"
    );
    assert_eq!(explored.wrong, None);
}

#[test]
fn a_gap_that_the_same_look_gives_up_would_lose_an_event() {
    let explored = Model::new(Rule::SameLook).explore();
    assert!(
        explored.wrong.is_some(),
        "the search is able to find a loss"
    );
}

/// When a gap whose holders are gone is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rule {
    NextLook,
    SameLook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Writer {
    Idle,
    HoldsLock,
    Drew(i64),
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    seqs: Vec<i64>,
    holders: Option<Holders>,
}

#[derive(Clone, Debug)]
struct Model {
    rule: Rule,
    writers: [Writer; 3],
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
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            writers: [Writer::Idle; 3],
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
                    s.writers[i] = Writer::HoldsLock;
                    next.push(s);
                }
                Writer::HoldsLock => {
                    let mut s = self.clone();
                    s.writers[i] = Writer::Drew(s.next_seq);
                    s.next_seq += 1;
                    next.push(s);
                }
                Writer::Drew(seq) => {
                    let mut rolled_back = self.clone();
                    rolled_back.writers[i] = Writer::Ended;
                    let mut committed = rolled_back.clone();
                    committed.committed.insert(seq);
                    next.extend([rolled_back, committed]);
                }
                Writer::Ended => {}
            }
        }
        let mut s = self.clone();
        s.advance();
        next.push(s);
        if self.restarts_left > 0 {
            let mut s = self.clone();
            s.restart();
            next.push(s);
        }
        next
    }

    /// Runs the sequencer's next step.
    fn advance(&mut self) {
        match &self.seen {
            None => self.look(),
            Some(Seen { holders: None, .. }) => self.read_holders(),
            Some(_) => self.write(),
        }
    }

    fn look(&mut self) {
        let (firsts, lasts) = self.gaps.ranges();
        let in_gap = |seq: i64| {
            firsts
                .iter()
                .zip(&lasts)
                .any(|(f, l)| (*f..=*l).contains(&seq))
        };
        let wanted = |seq: &i64| *seq > self.gaps.high() || in_gap(*seq);
        let seqs = self.committed.iter().copied().filter(wanted).collect();
        self.seen = Some(Seen {
            seqs,
            holders: None,
        });
    }

    fn read_holders(&mut self) {
        let writers = self.writers.iter().enumerate();
        let held = writers.filter(|(_, w)| matches!(w, Writer::HoldsLock | Writer::Drew(_)));
        let holders = held.map(|(i, _)| i.to_string()).collect();
        if let Some(seen) = &mut self.seen {
            seen.holders = Some(holders);
        }
    }

    /// What `Sequencer::write` does.
    fn write(&mut self) {
        let Some(Seen {
            seqs,
            holders: Some(holders),
        }) = self.seen.take()
        else {
            return;
        };
        let holders = Arc::new(holders);
        self.gaps.observe(&seqs, &holders);
        if self.rule == Rule::SameLook {
            self.gaps.observe(&seqs, &holders);
        }
        if seqs.is_empty() {
            return;
        }
        self.gaps.take(&seqs);
        self.low = self.gaps.low();
        self.log.extend(seqs);
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
        self.gaps = Gaps::recovered(high, &missing);
    }

    /// All writers have ended: two more looks must leave the log complete.
    fn settle(&self) -> Result<(), String> {
        let mut s = self.clone();
        while s.seen.is_some() {
            s.advance();
        }
        for _ in 0..2 {
            s.look();
            s.read_holders();
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
