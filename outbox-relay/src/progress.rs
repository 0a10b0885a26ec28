//! How far the relay has come: a record in Kafka, written in the same transaction as the events it
//! vouches for. So whatever ended the last relay, the record and the events agree.

use std::collections::HashMap;

use anyhow::{Context, bail};
use domain::event::StreamType;
use domain::ids::EventId;
use event_store::cloudevent::{self, Topics};
use event_store::envelope::{Position, Shard};
use event_store::log;
use rdkafka::message::{Headers, Message, OwnedMessage};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::tail::Tail;

/// The key of the record: the topic is compacted to the last one.
pub(crate) const KEY: &str = "position";

/// The record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Kafka has every event up to here.
    pub(crate) position: Position,
    /// The event at that position, which tells one log from another.
    pub(crate) event: EventId,
    /// The epoch of the lease under which it was written: for people who look for what happened.
    pub(crate) epoch: i64,
}

impl Progress {
    /// Reads how far the last relay came; `None` when nothing was ever published. Must be called after
    /// the last relay was fenced. Blocks.
    ///
    /// When somebody deleted the topic of the record, the events themselves tell: a transaction holds
    /// all events up to a position, so the highest position at the ends of the partitions is it.
    pub(crate) fn read(tail: &Tail, topics: &Topics) -> anyhow::Result<Option<Self>> {
        if let Some(message) = tail.last(&topics.progress(), 0)? {
            let value = message.payload().unwrap_or_default();
            let progress = serde_json::from_slice(value).with_context(|| {
                format!(
                    "the last record of the topic `{}` is not ours",
                    topics.progress()
                )
            })?;
            return Ok(Some(progress));
        }
        let mut furthest: Option<Self> = None;
        for shard in Shard::all(&StreamType::ALL) {
            let Some(stream_type) = shard.stream_type() else {
                continue;
            };
            let topic = topics.events(stream_type);
            let Some(message) = tail.last(&topic, i32::from(shard.partition()))? else {
                continue;
            };
            let found = Self::of_event(shard, &message)
                .with_context(|| format!("the last message of {shard} is not an event of ours"))?;
            if furthest.is_none_or(|furthest| furthest.position < found.position) {
                furthest = Some(found);
            }
        }
        Ok(furthest)
    }

    /// Checks that the log of this database has that event there.
    pub(crate) async fn verify(&self, pool: &PgPool, topics: &Topics) -> anyhow::Result<()> {
        let Self {
            position, event, ..
        } = self;
        // The record is Kafka's word: whatever it says, there is no event at its position, or there is.
        let before = Position(position.0.saturating_sub(1));
        let here = log::read(pool, before, 1).await?;
        if here.first().map(|here| here.event.event_id) != Some(*event) {
            bail!(
                "the topics of `{}` hold the events of another log (up to position {position}, where \
                 this log does not have the event {event}): use another prefix of topics for this \
                 database, or delete them",
                topics.progress()
            );
        }
        Ok(())
    }

    fn of_event(shard: Shard, message: &OwnedMessage) -> anyhow::Result<Self> {
        let headers: HashMap<&str, &str> = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .filter_map(|header| Some((header.key, std::str::from_utf8(header.value?).ok()?)))
            .collect();
        let value = std::str::from_utf8(message.payload().unwrap_or_default())?;
        let received = cloudevent::decode(shard, &headers, value)?;
        Ok(Self {
            position: received.event.position,
            event: received.event.event.event_id,
            epoch: 0,
        })
    }
}
