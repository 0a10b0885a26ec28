//! The sequencer's bookkeeping of numbers that may still appear, and the proof that it loses no event.
//!
//! Every event draws a number (`es.events.seq`) inside its writing transaction. Numbers become visible at
//! commit, so they appear out of order, and some never appear (rollbacks, crashes). The sequencer remembers
//! a *high mark*, up to which every number was seen or is a remembered *gap*. Each round looks for rows
//! beyond the high mark and for rows in the gaps, in one snapshot.
//!
//! **Forgetting a gap.** A gap may be forgotten only when no transaction can fill it any more. Every writer of
//! `es.events` holds a lock on the table, which Postgres shows in `pg_locks` with the writer's identity. Claim: let `g`
//! be a number first missed in a snapshot `S` that shows a higher number. Let `H` be holders of that lock, read
//! after `S` was taken. Let `S'` be a snapshot that was taken after each of `H` was seen to hold it no more. If
//! `S'` does not show `g`, no snapshot will ever show `g`.
//!
//! Proof. Numbers are drawn in ascending order (sequence cache 1), and `S` shows a number above `g`. So some
//! transaction `T` drew `g` before `S` was taken (or none did, after a crash of the server, and the claim
//! is trivial). A statement takes the lock before it draws a number, and its transaction holds it to its end, or to
//! the end of a subtransaction that rolls back and takes `g` with it. So `T` is among `H`, or it had ended before `H`
//! was read. In either case `T` has ended before `S'` was taken, because a transaction is shown before its locks are
//! released. So `S'` shows everything that `T` committed. `S'` does not show `g`, so `T` rolled back. ∎
//!
//! - A look reads events first, in its snapshot, and holders after that. So holders that are gone in one look allow the
//!   *next* look to forget the gap; the same look would lose an event that was committed between its two readings.
//! - The identity is the virtual transaction id. It is never used twice while the server runs, and a prepared
//!   transaction keeps it. After a restart of the server, the sequencer takes the log over again.
//! - The lock is that of the whole table, which an insert takes before the one of the partition.
//!
//! **Transaction ids cannot be the bound.** The `xmax` of `S` is one more than the highest id that has *ended*, so it
//! loses events (`docs/decisions/0001-gap-bound.md`). An id that was assigned after `S` is safe, but the oldest running
//! transaction of the whole server must pass it. A forgotten transaction in another table or database would keep all
//! gaps for as long as it is open (`docs/decisions/0005-gap-holders.md`).
//!
//! **No stall.** A gap delays nobody: later rows get positions at once, and a late row gets its position
//! when it appears. Order within a stream holds all the same. A writer of version n + 1 waits for the
//! writer of version n to commit. So it draws a higher number, and every snapshot that shows n + 1 shows n.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The transactions that hold the lock of writers of `es.events`, by their virtual transaction ids.
pub type Holders = BTreeSet<String>;

/// The numbers that were missed and may still appear, and the high mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    high: i64,
    /// The gaps: the first number of a range -> the rest. Ranges neither touch nor overlap, unless their
    /// holders differ.
    ranges: BTreeMap<i64, Range>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    last: i64,
    /// The transactions that may fill the gap: holders that were read after the gap was missed, without those that
    /// have ended. `None` until the next look.
    holders: Option<Arc<Holders>>,
}

impl Gaps {
    /// Returns the state of a sequencer that starts. `missing` are the ranges of numbers (first and last)
    /// up to `high` that have no position.
    #[must_use]
    pub fn recovered(high: i64, missing: &[(i64, i64)]) -> Self {
        let ranges = missing
            .iter()
            .map(|&(first, last)| (first, Range::missed(last)))
            .collect();
        Self { high, ranges }
    }

    /// Returns the high mark: every number up to it was seen or is a gap.
    #[must_use]
    pub fn high(&self) -> i64 {
        self.high
    }

    /// Returns the low mark, where a restart may begin: every number up to it was seen or cannot appear.
    #[must_use]
    pub fn low(&self) -> i64 {
        self.ranges
            .keys()
            .next()
            .map_or(self.high, |first| first - 1)
    }

    /// Returns the ranges to look into, as first and last numbers.
    #[must_use]
    pub fn ranges(&self) -> (Vec<i64>, Vec<i64>) {
        self.ranges
            .iter()
            .map(|(first, range)| (*first, range.last))
            .unzip()
    }

    /// Returns the count of missing numbers.
    #[must_use]
    pub fn missing(&self) -> i64 {
        self.ranges
            .iter()
            .map(|(first, range)| range.last - first + 1)
            .sum()
    }

    /// Forgets the gaps that can no longer be filled, and notes which transactions may fill the others. `found` are
    /// the numbers that a look showed, ascending; `holders` are those that it read after its snapshot. A number that is
    /// found stays a gap until [`Gaps::take`].
    pub fn observe(&mut self, found: &[i64], holders: &Arc<Holders>) {
        let hopeless: Vec<i64> = self
            .ranges
            .iter()
            .filter(|(_, range)| range.holders.as_ref().is_some_and(|held| held.is_empty()))
            .map(|(first, _)| *first)
            .collect();
        for first in hopeless {
            let range = self.ranges.remove(&first).expect("it was listed above");
            // A number that the snapshot shows is not lost: it waits for its position.
            let found = found
                .iter()
                .filter(|seq| (first..=range.last).contains(seq));
            for &seq in found {
                let range = Range {
                    last: seq,
                    holders: range.holders.clone(),
                };
                self.ranges.insert(seq, range);
            }
        }
        for range in self.ranges.values_mut() {
            range.narrow(holders);
        }
    }

    /// Records that the given numbers, ascending, got positions. Numbers skipped beyond the high
    /// mark become gaps.
    pub fn take(&mut self, seqs: &[i64]) {
        for &seq in seqs {
            if seq > self.high {
                if seq > self.high + 1 {
                    self.ranges.insert(self.high + 1, Range::missed(seq - 1));
                }
                self.high = seq;
            } else {
                self.fill(seq);
            }
        }
    }

    fn fill(&mut self, seq: i64) {
        let Some((&first, range)) = self.ranges.range(..=seq).next_back() else {
            return;
        };
        if seq > range.last {
            return;
        }
        let range = self.ranges.remove(&first).expect("it was found above");
        if first < seq {
            let before = Range {
                last: seq - 1,
                ..range.clone()
            };
            self.ranges.insert(first, before);
        }
        if seq < range.last {
            self.ranges.insert(seq + 1, range);
        }
    }
}

impl Range {
    /// A gap up to this number that was just missed.
    fn missed(last: i64) -> Self {
        Self {
            last,
            holders: None,
        }
    }

    /// Notes who holds the lock now: at the first time all of them may fill the gap, later those that still hold it.
    fn narrow(&mut self, now: &Arc<Holders>) {
        match &self.holders {
            None => self.holders = Some(now.clone()),
            Some(before) if !before.is_subset(now) => {
                self.holders = Some(Arc::new(before.intersection(now).cloned().collect()));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
