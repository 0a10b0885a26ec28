//! The sequencer's bookkeeping of numbers that may still appear, and the proof that it loses no event.
//!
//! Every event draws a number (`es.events.seq`) inside its writing transaction. Numbers become visible at
//! commit, so they appear out of order, and some never appear (rollbacks, crashes). The sequencer remembers
//! a *high mark*, up to which every number was seen or is a remembered *gap*. Each round looks for rows
//! beyond the high mark and for rows in the gaps, in one snapshot.
//!
//! **Forgetting a gap.** A gap may be forgotten only when no transaction can fill it any more. Claim: let
//! `g` be a number first missed in a snapshot `S` that shows a higher number `h`. Let `B` (the gap's
//! *bound*) be any transaction id that was assigned after `S` was taken. Let `S'` be a later snapshot with
//! `xmin(S') >= B` that does not show `g`. Then no snapshot will ever show `g`.
//!
//! Proof. Numbers are drawn in ascending order (sequence cache 1), and `S` shows `h > g`. So some
//! transaction `T` drew `g` before `S` was taken (or none did, after a crash of the server, and the claim
//! is trivial). `T` had its transaction id before it drew `g`. The reason: the statement that appends draws
//! numbers only for rows that come out of its claim, and the claim writes. Transaction ids are assigned in
//! ascending order too, so `T < B`. `xmin(S')` is the lowest id that was still running at `S'`, so `T` had
//! ended by then: `S'` shows everything that `T` committed. `S'` does not show `g`, so `T` rolled back. ∎
//!
//! **`xmax(S)` cannot be the bound.** It is one more than the highest id that has *ended*, not one more
//! than the highest that was *assigned*. Let `T` = 100 draw 5 and stay open, and let 99 draw 6 and commit.
//! Then `xmax` = 100, and the next snapshot has `xmin` = 100 >= `xmax` while `T` is still open. The event 5
//! would be lost. (`docs/decisions/0001-gap-bound.md`; the test
//! `an_open_writer_with_the_highest_id_keeps_its_gap` fails with that bound.)
//!
//! **No stall.** A gap delays nobody: later rows get positions at once, and a late row gets its position
//! when it appears. Order within a stream holds all the same. A writer of version n + 1 waits for the
//! writer of version n to commit. So it draws a higher number, and every snapshot that shows n + 1 shows n.

use std::collections::BTreeMap;

/// An id of a Postgres transaction (`xid8`).
pub type TransactionId = u64;

/// The numbers that were missed and may still appear, and the high mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    high: i64,
    /// The gaps: the first number of a range -> the rest. Ranges neither touch nor overlap, unless their
    /// bounds differ.
    ranges: BTreeMap<i64, Range>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    last: i64,
    bound: TransactionId,
}

impl Gaps {
    /// Returns the state of a sequencer that starts. `missing` are the ranges of numbers (first and last)
    /// up to `high` that have no position. `bound` is a transaction id assigned after they were read.
    #[must_use]
    pub fn recovered(high: i64, missing: &[(i64, i64)], bound: TransactionId) -> Self {
        let ranges = missing
            .iter()
            .map(|&(first, last)| (first, Range { last, bound }))
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

    /// Forgets the gaps that can no longer be filled. `found` are the numbers in the gaps that a snapshot
    /// with the given `xmin` showed, ascending. They stay gaps until [`Gaps::take`].
    pub fn give_up(&mut self, xmin: TransactionId, found: &[i64]) {
        let hopeless: Vec<i64> = self
            .ranges
            .iter()
            .filter(|(_, range)| range.bound <= xmin)
            .map(|(first, _)| *first)
            .collect();
        for first in hopeless {
            let range = self.ranges.remove(&first).expect("it was listed above");
            // A number that the snapshot shows is not lost: it waits for its position.
            for seq in found
                .iter()
                .copied()
                .filter(|seq| (first..=range.last).contains(seq))
            {
                self.ranges.insert(
                    seq,
                    Range {
                        last: seq,
                        bound: range.bound,
                    },
                );
            }
        }
    }

    /// Records that the given numbers, ascending, got positions. Numbers skipped beyond the high
    /// mark become gaps with the given bound.
    pub fn take(&mut self, seqs: &[i64], bound: TransactionId) {
        for &seq in seqs {
            if seq > self.high {
                if seq > self.high + 1 {
                    self.ranges.insert(
                        self.high + 1,
                        Range {
                            last: seq - 1,
                            bound,
                        },
                    );
                }
                self.high = seq;
            } else {
                self.fill(seq);
            }
        }
    }

    fn fill(&mut self, seq: i64) {
        let Some((&first, &range)) = self.ranges.range(..=seq).next_back() else {
            return;
        };
        if seq > range.last {
            return;
        }
        self.ranges.remove(&first);
        if first < seq {
            self.ranges.insert(
                first,
                Range {
                    last: seq - 1,
                    ..range
                },
            );
        }
        if seq < range.last {
            self.ranges.insert(seq + 1, range);
        }
    }
}

#[cfg(test)]
mod tests;
