//! Stalled shards: they do not move although the log has more.
//!
//! Kafka may have lost their events, or its topic may hold the events of another log. Kafka may be
//! unavailable, to this process or to the relay. One rule serves all cases. A shard that was behind the
//! log at one look, and has the same position at the next one, is read from the log. A wrong guess costs
//! a batch of work and nothing else. Events that come through Kafka after all, or that another process
//! applies, are recognized by their positions.

use std::collections::BTreeMap;

use event_store::envelope::{Position, Shard};

/// The result of the last look.
#[derive(Debug, Default)]
pub(super) struct StalledShards {
    /// The positions of the shards that were behind the log.
    behind: BTreeMap<Shard, Position>,
}

impl StalledShards {
    /// Notes the positions of the shards and their ends in the log. Returns those that were behind at
    /// the last look and have not moved since.
    pub(super) fn look(
        &mut self,
        standing: &BTreeMap<Shard, Position>,
        heads: &BTreeMap<Shard, Position>,
    ) -> Vec<Shard> {
        let behind = standing
            .iter()
            .filter(|(shard, position)| heads.get(shard).is_some_and(|head| head > position))
            .map(|(shard, position)| (*shard, *position));
        let before = std::mem::replace(&mut self.behind, behind.collect());
        let behind = self.behind.iter();
        behind
            .filter(|(shard, position)| before.get(shard) == Some(position))
            .map(|(shard, _)| *shard)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: Shard = Shard(1);

    fn look(stalled: &mut StalledShards, position: i64, head: i64) -> usize {
        let standing = BTreeMap::from([(SHARD, Position(position))]);
        let heads = BTreeMap::from([(SHARD, Position(head))]);
        stalled.look(&standing, &heads).len()
    }

    #[test]
    fn a_shard_is_stalled_when_it_stands_still_behind_the_log_for_two_looks() {
        let mut stalled = StalledShards::default();
        assert_eq!(look(&mut stalled, 5, 5), 0, "nothing is missing");
        assert_eq!(look(&mut stalled, 5, 8), 0, "it may be on its way");
        assert_eq!(look(&mut stalled, 6, 9), 0, "it is coming");
        assert_eq!(look(&mut stalled, 6, 9), 1);
        assert_eq!(look(&mut stalled, 9, 9), 0, "all of it came");
        assert_eq!(look(&mut stalled, 9, 12), 0, "this may be on its way");
        assert_eq!(look(&mut stalled, 9, 14), 1);
    }

    #[test]
    fn a_shard_without_events_is_not_stalled() {
        let mut stalled = StalledShards::default();
        let standing = BTreeMap::from([(SHARD, Position::START)]);
        for _ in 0..3 {
            assert_eq!(stalled.look(&standing, &BTreeMap::new()), []);
        }
    }
}
