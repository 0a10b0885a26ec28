//! The progress of the relay: a record in Kafka, written in the same transaction as the events that it
//! covers. So record and events agree, however the last relay ended.

use std::collections::HashMap;

use anyhow::{Context, bail};
use domain::ids::EventId;
use event_store::cloudevent::{self, Topics};
use event_store::envelope::{Position, Positioned, Shard};
use event_store::log;
use rdkafka::message::{Headers, Message, OwnedMessage};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::topic_tail::Tail;

/// The key of the record: the topic is compacted to the last one.
pub(crate) const KEY: &str = "position";

/// The record of progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Kafka has every event up to here, and none after it.
    pub(crate) position: Position,
    /// The event at that position, which tells one log from another.
    pub(crate) event: EventId,
    /// The epoch of the lease under which the record was written: for people who investigate.
    pub(crate) epoch: i64,
}

/// The progress of the last publisher, by what Kafka has.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// The position of [`Progress`].
    pub(crate) position: Position,
    /// The event of [`Progress`].
    event: EventId,
}

impl Standing {
    /// Reads the progress of the last publisher; `None` when nothing was ever published. Blocks.
    ///
    /// A publisher must fence the last one first, or the record may be outdated when it is read.
    ///
    /// When somebody deleted the topic of the record, the events themselves tell the progress. A
    /// transaction holds all events up to a position, and positions ascend in every partition. So the
    /// highest position among the last messages of the partitions is the one of the record.
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
                event: progress.event,
            }));
        }
        let mut highest: Option<Self> = None;
        let types: Vec<_> = topics.known().collect();
        for shard in Shard::all(&types) {
            let topic = topics.events(shard.stream_type());
            let Some(message) = tail.last(&topic, i32::from(shard.partition()))? else {
                continue;
            };
            let found = Self::of_event(shard, &message)
                .with_context(|| format!("the last message of {shard} is not an event of ours"))?;
            if highest
                .as_ref()
                .is_none_or(|highest| found.position > highest.position)
            {
                highest = Some(found);
            }
        }
        Ok(highest)
    }

    /// Checks that the log of this database has that event at that position.
    ///
    /// # Errors
    /// When it has another one or none there, or Postgres fails.
    pub(crate) async fn verify(&self, pool: &PgPool, topics: &Topics) -> anyhow::Result<()> {
        let Self { position, event } = *self;
        // The position is Kafka's word: the log may have any event there, or none.
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

    /// Reads the position of the last event of a partition.
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
        Ok(Self {
            position,
            event: event.event_id,
        })
    }
}
