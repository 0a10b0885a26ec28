//! The progress of the relay: a record in Kafka, written in the same transaction as the events that it
//! covers. So record and events agree, however the last relay ended.

use std::collections::HashMap;

use anyhow::Context;
use domain::ids::EventId;
use event_store::cloudevent::{self, Topics};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::error::StoreError;
use event_store::incarnation::{IncarnationId, Lineage, Lost};
use event_store::log::{self, digest};
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
    /// The event at that position.
    pub(crate) event: EventId,
    /// The incarnation of the log that published it; `None` in records of programs that knew none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) incarnation: Option<IncarnationId>,
    /// The [`digest`] of the event at that position, which tells one log from another: after a restore, other bytes
    /// can have the same position and id. `None` in records of programs that wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    /// The epoch of the lease under which the record was written: for people who investigate.
    pub(crate) epoch: i64,
}

/// The progress of the last publisher, by what Kafka has.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// The position of [`Progress`].
    pub(crate) position: Position,
    /// The incarnation of [`Progress`].
    incarnation: Option<IncarnationId>,
    witness: Witness,
}

/// The last event that Kafka has, as far as Kafka tells it.
#[derive(Clone, Debug)]
enum Witness {
    /// The digest, by the record.
    Digest(String),
    /// The id, by the record of an older program.
    Id(EventId),
    /// The event itself, by the last message.
    Event(Box<StoredEvent>),
}

/// A reason why the relay must not publish after what the topics hold.
#[derive(Debug)]
pub(crate) enum Mismatch {
    /// The topics hold the events of another log, or of an incarnation that this log lost.
    AnotherLog,
    /// The topics hold events that this log lost.
    Lost {
        /// The last position that the log kept.
        fork: Position,
    },
    /// The log is in another server or database than the one that published, which may publish on.
    Copy,
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
                incarnation: progress.incarnation,
                witness: match progress.digest {
                    Some(digest) => Witness::Digest(digest),
                    None => Witness::Id(progress.event),
                },
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

    /// Compares the last event that Kafka has with the log. Returns why the relay must not publish after it, if there
    /// is a reason.
    ///
    /// # Errors
    /// When Postgres fails.
    pub(crate) async fn check(
        &self,
        pool: &PgPool,
        lineage: &Lineage,
    ) -> Result<Option<Mismatch>, StoreError> {
        match lineage.check_position(self.incarnation, self.position) {
            Ok(()) => {}
            Err(Lost::Unknown) => return Ok(Some(Mismatch::AnotherLog)),
            Err(Lost::BeyondFork { fork }) => return Ok(Some(Mismatch::Lost { fork })),
        }
        // The position is Kafka's word: the log may have any event there, or none.
        let position = self.position;
        let is_ours = match &self.witness {
            Witness::Digest(digest) => {
                digest::of_event(pool, None, position).await?.as_ref() == Some(digest)
            }
            Witness::Id(id) => log::ids_at(pool, &[position]).await?.get(&position) == Some(id),
            Witness::Event(event) => {
                let here = log::events_at(pool, &[position]).await?;
                here.first().is_some_and(|here| here.event == **event)
            }
        };
        if !is_ours {
            return Ok(Some(Mismatch::AnotherLog));
        }
        let may_be_copy = lineage.may_be_copied_since(self.incarnation);
        Ok(may_be_copy.then_some(Mismatch::Copy))
    }

    /// Returns the sentence about a mismatch, with what to do.
    pub(crate) fn explain(&self, mismatch: &Mismatch, topics: &Topics) -> String {
        let (position, progress) = (self.position, topics.progress());
        match mismatch {
            Mismatch::AnotherLog => format!(
                "the topics of `{progress}` hold the events of another log, or of a state that this log lost (up to \
                 position {position}, where this log does not have that event): use another prefix of topics for this \
                 database (--kafka-prefix), or delete them; then start the relay with --republish-from 1"
            ),
            Mismatch::Lost { fork } => format!(
                "the topics of `{progress}` hold {} events that this log lost (positions {} to {position}; it kept \
                 {fork}): tell those who read the topics, then delete the topics and start the relay with \
                 --republish-from {}, or use another prefix of topics (--kafka-prefix) with --republish-from 1",
                position.0 - fork.0,
                fork.0 + 1,
                fork.0 + 1,
            ),
            Mismatch::Copy => format!(
                "the topics of `{progress}` were published from another server or database, which may be in use \
                 beside this copy: use another prefix of topics for a copy (--kafka-prefix, with --republish-from 1); if \
                 this log replaces the other, stop the relay of the other, and start this one with --republish-from {}",
                position.0 + 1
            ),
        }
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
            incarnation: received.incarnation,
            witness: Witness::Event(Box::new(event)),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn records_have_a_known_form_and_those_of_older_programs_are_read() {
        let event = EventId::new(Uuid::from_u128(7));
        let record = Progress {
            position: Position(42),
            event,
            incarnation: Some(IncarnationId(Uuid::from_u128(9))),
            digest: Some("ab12".to_owned()),
            epoch: 3,
        };
        let json = serde_json::to_string(&record).expect("it is JSON");
        assert_eq!(
            json,
            r#"{"position":42,"event":"00000000-0000-0000-0000-000000000007","incarnation":"00000000-0000-0000-0000-000000000009","digest":"ab12","epoch":3}"#
        );
        assert_eq!(
            serde_json::from_str::<Progress>(&json).expect("it is read"),
            record
        );
        let older = r#"{"position":42,"event":"00000000-0000-0000-0000-000000000007","epoch":3}"#;
        let older: Progress = serde_json::from_str(older).expect("it is read");
        let expected = Progress {
            incarnation: None,
            digest: None,
            ..record
        };
        assert_eq!(older, expected);
    }
}
