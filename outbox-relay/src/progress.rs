//! How far the relay has come: a record in Kafka, written in the same transaction as the events it
//! vouches for. So whatever ended the last relay, the record and the events agree.

use std::collections::HashMap;

use anyhow::{Context, bail};
use domain::ids::EventId;
use domain::stream_type::StreamType;
use event_store::cloudevent::{self, Topics};
use event_store::envelope::{Position, Positioned, Shard};
use event_store::log;
use rdkafka::message::{Headers, Message, OwnedMessage};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::held::Released;
use crate::topic_tail::Tail;

/// The key of the record: the topic is compacted to the last one.
pub(crate) const KEY: &str = "position";

/// The record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Kafka has every event up to here, but for those that are held back ([`crate::held`]).
    pub(crate) position: Position,
    /// The event at that position, which tells one log from another.
    pub(crate) event: EventId,
    /// The epoch of the lease under which it was written: for people who look for what happened.
    pub(crate) epoch: i64,
    /// What was released in the same transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) released: Vec<Released>,
}

/// Where the last publisher stood, by what Kafka has.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// As in [`Progress`].
    pub(crate) position: Position,
    /// As in [`Progress`].
    pub(crate) released: Vec<Released>,
    /// An event and its place, which tell one log from another.
    witness: (Position, EventId),
}

impl Standing {
    /// Reads where the last publisher stood; `None` when nothing was ever published. Must be called
    /// after it was fenced. Blocks.
    ///
    /// When somebody deleted the topic of the record, the events themselves tell: a transaction holds
    /// all events up to a position, so the highest position that the ends of the partitions name is it.
    /// Transactions that only held events back leave no trace then; what they held back is read from
    /// the log again, and held back again.
    pub(crate) fn read(tail: &Tail, topics: &Topics) -> anyhow::Result<Option<Self>> {
        if let Some(message) = tail.last(&topics.progress(), 0)? {
            let value = message.payload().unwrap_or_default();
            let progress: Progress = serde_json::from_slice(value).with_context(|| {
                format!(
                    "the last record of the topic `{}` is not ours",
                    topics.progress()
                )
            })?;
            return Ok(Some(Self {
                position: progress.position,
                released: progress.released,
                witness: (progress.position, progress.event),
            }));
        }
        let mut standing: Option<Self> = None;
        for shard in Shard::all(StreamType::known()) {
            let topic = topics.events(shard.stream_type());
            let Some(message) = tail.last(&topic, i32::from(shard.partition()))? else {
                continue;
            };
            let mut found = Self::of_event(shard, &message)
                .with_context(|| format!("the last message of {shard} is not an event of ours"))?;
            if let Some(before) = standing {
                found.released.extend(before.released);
                found.position = found.position.max(before.position);
            }
            standing = Some(found);
        }
        Ok(standing)
    }

    /// Checks that the log of this database has that event there.
    pub(crate) async fn verify(&self, pool: &PgPool, topics: &Topics) -> anyhow::Result<()> {
        let (position, event) = self.witness;
        // The record is Kafka's word: whatever it says, there is no event at its position, or there is.
        let here = log::ids_at(pool, &[position]).await?;
        if here.get(&position) != Some(&event) {
            bail!(
                "the topics of `{}` hold the events of another log (up to position {position}, where \
                 this log does not have the event {event}): use another prefix of topics for this \
                 database, or delete them",
                topics.progress()
            );
        }
        Ok(())
    }

    /// What an event says that was published last in its partition.
    fn of_event(shard: Shard, message: &OwnedMessage) -> anyhow::Result<Self> {
        let headers: HashMap<&str, &str> = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .filter_map(|header| Some((header.key, std::str::from_utf8(header.value?).ok()?)))
            .collect();
        let value = std::str::from_utf8(message.payload().unwrap_or_default())?;
        let received = cloudevent::decode(shard, &headers, value)?;
        let Positioned { position, event } = received.event;
        let released_behind = headers
            .get(cloudevent::RELEASED_BEHIND)
            .map(|behind| behind.parse().map(Position))
            .transpose()?;
        Ok(Self {
            position: released_behind.unwrap_or(position),
            released: released_behind
                .map(|_| Released {
                    stream: event.stream.uuid,
                    up_to: position,
                })
                .into_iter()
                .collect(),
            witness: (position, event.event_id),
        })
    }
}
