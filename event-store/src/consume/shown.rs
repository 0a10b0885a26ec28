//! The position of the log that a consumer's rows show.

use std::fmt::Write;

use domain::stream_type::StreamType;

use crate::envelope::Shard;
use crate::log::HEAD;

/// Returns the query of the position up to which a consumer's serving generation has applied the events of these
/// types, or parked them. It is the one before the first event that is left, or the head of the log. The query is
/// for a statement that also reads the rows.
///
/// Each shard is looked up by keys. So the query costs the same for a log of any length and for any delay. In
/// the snapshot of the rows it is exact, because rows and checkpoints commit together.
///
/// A consumer that follows the log applies events in its order: the rows show no event after the position. With
/// Kafka shards advance by themselves, and the rows of one can show later events already.
#[must_use]
pub fn query(consumer: &str, types: &[StreamType]) -> String {
    let mut shards = String::new();
    for shard in Shard::all(types) {
        let comma = if shards.is_empty() { "" } else { "," };
        write!(shards, "{comma}{}", shard.0).expect("a text takes everything");
    }
    format!(
        "select coalesce(min(l.position) - 1, ({HEAD})) \
         from es.generations g \
         cross join unnest('{{{shards}}}'::smallint[]) as s(shard) \
         left join es.checkpoints c on c.consumer = g.consumer \
             and c.generation = g.generation and c.shard = s.shard \
         cross join lateral (select position from es.log \
             where shard = s.shard and position > coalesce(c.position, 0) \
             order by position limit 1) l \
         where g.consumer = '{consumer}' and g.state = 'SERVING'"
    )
}
