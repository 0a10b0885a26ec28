//! Shards that nobody follows: Kafka is away, and has taken its partitions back or never gave them.
//!
//! A member of the group that has no partitions looks now and then whether the checkpoints of the others
//! move. One that stands still although the log has more is followed by reading the log, until Kafka gives
//! partitions again. If its owner was merely slow, or two members take it at once, one of them finds that the
//! checkpoint has moved: that costs a batch of work and nothing else.

use std::collections::BTreeMap;

use event_store::consume::checkpoint::Checkpoint;
use event_store::envelope::{Position, Shard};

/// What was seen of shards that are not ours.
#[derive(Debug, Default)]
pub(super) struct UnownedShards {
    /// The checkpoints of shards that were behind at the last look.
    behind: BTreeMap<Shard, Position>,
}

impl UnownedShards {
    /// Notes how far the shards are and how far the log is. Gives those that have not moved since the
    /// last look although the log was ahead of them then.
    pub(super) fn look(
        &mut self,
        checkpoints: &BTreeMap<Shard, Checkpoint>,
        heads: &BTreeMap<Shard, Position>,
    ) -> Vec<Shard> {
        let behind: BTreeMap<Shard, Position> = checkpoints
            .iter()
            .filter(|(shard, checkpoint)| {
                let head = heads.get(shard);
                head.is_some_and(|head| *head > checkpoint.position)
            })
            .map(|(shard, checkpoint)| (*shard, checkpoint.position))
            .collect();
        let before = std::mem::replace(&mut self.behind, behind);
        let standing = self.behind.iter();
        standing
            .filter(|(shard, position)| before.get(shard) == Some(position))
            .map(|(shard, _)| *shard)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: Shard = Shard(1);

    fn look(unowned: &mut UnownedShards, checkpoint: i64, head: i64) -> usize {
        let checkpoint = Checkpoint {
            position: Position(checkpoint),
            kafka_offset: None,
        };
        let checkpoints = BTreeMap::from([(SHARD, checkpoint)]);
        let heads = BTreeMap::from([(SHARD, Position(head))]);
        unowned.look(&checkpoints, &heads).len()
    }

    #[test]
    fn a_shard_is_an_orphan_when_it_stands_still_behind_the_log_for_two_looks() {
        let mut unowned = UnownedShards::default();
        assert_eq!(look(&mut unowned, 5, 5), 0, "nothing is missing");
        assert_eq!(
            look(&mut unowned, 5, 8),
            0,
            "its owner may be about to move"
        );
        assert_eq!(look(&mut unowned, 6, 9), 0, "its owner moves");
        assert_eq!(look(&mut unowned, 6, 9), 1);
        assert_eq!(look(&mut unowned, 9, 9), 0, "it has caught up");
        assert_eq!(look(&mut unowned, 9, 12), 0, "and is looked at anew");
    }
}
