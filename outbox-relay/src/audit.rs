//! Checks that Kafka holds what the log holds, while everything runs. Every event must be there once,
//! byte for byte, with positions ascending in every partition, for `read_committed` readers.
//!
//! # Proof that neither the relay nor Kafka at work looks like a difference
//!
//! The audit reads three things, in this order:
//!
//! - the position that the publisher has reached, `P`;
//! - the end of each partition, `E`, open transactions included;
//! - the committed messages before `E`, when no transaction before `E` is open any more.
//!
//! Both sides of `P` are then compared rightly:
//!
//! - The events up to `P` were sent before `P` could be read, because the record that says `P` was
//!   committed with them or later. So they are before `E`, and the outcome of their transactions is
//!   known when the messages are read. One that is not there is missing.
//! - Messages after `P` are compared like all others. Their events were in the log before they were
//!   sent, so they are there when the log is asked after the message was read.
//!
//! A topic may have lost messages from its beginning, because somebody deleted it or it keeps messages
//! only for a time. That is a note and no difference: consumers take these events from the log. After a
//! partition's first message nothing may be missing.
//!
//! The audit writes nothing to Kafka: partitions are assigned by hand, and no offset is committed.

mod message;
mod reader;
mod seen;

use std::collections::HashMap;

use anyhow::Context;
use event_store::audit::Audit;
use event_store::audit::finding::{Difference, Findings};
use event_store::cloudevent::Topics;
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::incarnation::{self, Lineage};
use event_store::log;
use event_store::stream_types;
use rdkafka::message::OwnedMessage;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use self::message::compare;
use self::reader::{Batch, Reader};
use self::seen::Seen;

/// The most rows of the log that one statement reads.
const PAGE: i64 = 10_000;
/// Batches of messages that wait to be compared.
const WAITING: usize = 2;

/// Checks all topics of events, message by message. Ends soon after it is dropped.
///
/// # Errors
/// When Kafka or Postgres fails, or there are no topics with this prefix.
pub async fn check(audit: &Audit<'_>, brokers: &str, topics: &Topics) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    audit.progress.begin(audit.bounds.head.0.unsigned_abs());
    let names = stream_types::names(audit.pool).await?;
    let mut all = topics.clone();
    all.learn(names.clone());
    let (brokers, own, topics) = (brokers.to_owned(), topics.clone(), &all);
    let (reader, standing) = spawn_blocking(move || {
        let reader = Reader::new(&brokers, own, names)?;
        let standing = reader.standing()?;
        anyhow::Ok((reader, standing))
    })
    .await??;
    let lineage = incarnation::stored(audit.pool).await?;
    let lineage = lineage.context("the log has no incarnation: start the platform first")?;
    let published = match &standing {
        Some(standing) => {
            if let Some(mismatch) = standing.check(audit.pool, &lineage).await? {
                let found = standing.explain(&mismatch, topics);
                findings.differ(1, unlike(standing.position, found));
                return Ok(findings);
            }
            standing.position
        }
        None => Position::START,
    };

    let (batches, mut read) = mpsc::channel(WAITING);
    let reading = spawn_blocking(move || reader.read(&batches));
    let mut shards = Shards {
        lineage,
        first: HashMap::new(),
        last: HashMap::new(),
        seen: Seen::default(),
    };
    while let Some(batch) = read.recv().await {
        shards.take_in(audit, topics, &batch, &mut findings).await?;
    }
    reading.await??;
    shards
        .find_missing(audit.pool, topics, published, &mut findings)
        .await?;
    let behind = audit.bounds.head.0 - published.0;
    if behind > 0 {
        findings.note(format!(
            "Kafka has the log up to position {published}; {behind} later events are not published yet"
        ));
    }
    Ok(findings)
}

fn unlike(position: Position, found: String) -> Difference {
    Difference {
        position: Some(position),
        expected: "the event that the publisher's record in Kafka names".to_owned(),
        found,
        ..Difference::default()
    }
}

/// The state of every partition, as far as it was read.
struct Shards {
    /// The incarnations of the log that may have published.
    lineage: Lineage,
    /// The position of each partition's first message: from there on the partition must have every
    /// event.
    first: HashMap<Shard, Position>,
    /// The highest position of each partition, so far.
    last: HashMap<Shard, Position>,
    /// The positions of all messages.
    seen: Seen,
}

impl Shards {
    /// Compares messages with the log.
    async fn take_in(
        &mut self,
        audit: &Audit<'_>,
        topics: &Topics,
        batch: &Batch,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let positions: Vec<Position> = batch
            .messages
            .iter()
            .filter_map(message::position)
            .collect();
        let log = log::read_chained(audit.pool, &positions).await?;
        let log: HashMap<Position, _> = log
            .into_iter()
            .map(|(event, previous)| (event.position, (event, previous)))
            .collect();
        for message in &batch.messages {
            findings.compared += 1;
            let here = message::position(message).and_then(|position| log.get(&position));
            let difference = match (compare(topics, &self.lineage, message, here), here) {
                (None, Some((event, _))) => self.note_place(message, event, batch.shard),
                (Some(difference), Some((event, _))) => {
                    // It is there all the same, and not missing too.
                    self.seen.insert(event.position);
                    self.first.entry(batch.shard).or_insert(event.position);
                    Some(difference)
                }
                (difference, None) => difference,
            };
            if let Some(difference) = difference {
                findings.differ(1, difference);
            }
        }
        audit.progress.reached(findings.compared);
        Ok(())
    }

    /// Remembers a correct message. Returns the difference of its place, if there is any.
    fn note_place(
        &mut self,
        message: &OwnedMessage,
        event: &Positioned<StoredEvent>,
        shard: Shard,
    ) -> Option<Difference> {
        let position = event.position;
        self.first.entry(shard).or_insert(position);
        let is_new = self.seen.insert(position);
        let last = self.last.entry(shard).or_default();
        let before = std::mem::replace(last, position.max(*last));
        message::out_of_line(message, event, is_new, before)
    }

    /// Finds events up to `published` without a message.
    async fn find_missing(
        &self,
        pool: &PgPool,
        topics: &Topics,
        published: Position,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let mut lost: HashMap<Shard, i64> = HashMap::new();
        let mut after = Position::START;
        while after < published {
            let up_to = Position(after.0 + PAGE).min(published);
            let places: Vec<(i64, i16)> = sqlx::query_as(
                "select position, shard from es.log where position > $1 and position <= $2 \
                 order by position",
            )
            .bind(after.0)
            .bind(up_to.0)
            .fetch_all(pool)
            .await
            .context("the log cannot be read")?;
            for (position, shard) in places {
                let (position, shard) = (Position(position), Shard(shard));
                if self.seen.contains(position) {
                    continue;
                }
                if self.first.get(&shard).is_none_or(|first| position < *first) {
                    *lost.entry(shard).or_default() += 1;
                } else {
                    findings.differ(1, missing(pool, topics, shard, position).await?);
                }
            }
            after = up_to;
        }
        let types: Vec<_> = topics.known().collect();
        for shard in Shard::all(&types) {
            let Some(lost) = lost.get(&shard) else {
                continue;
            };
            let partition = partition(topics, shard);
            findings.note(match self.first.get(&shard) {
                Some(first) => format!(
                    "{partition} holds events from position {first} on, and not {lost} of those before \
                     it"
                ),
                None => format!("{partition} holds none of its {lost} events up to {published}"),
            });
        }
        Ok(())
    }
}

async fn missing(
    pool: &PgPool,
    topics: &Topics,
    shard: Shard,
    position: Position,
) -> anyhow::Result<Difference> {
    let event = log::read_chained(pool, &[position]).await?.pop();
    let event = event.map(|(event, _)| event.event);
    Ok(Difference {
        position: Some(position),
        stream: event.as_ref().map(|event| event.stream.uuid),
        version: event.as_ref().map(|event| event.version),
        expected: format!("a message in {}", partition(topics, shard)),
        found: "none".to_owned(),
        ..Difference::default()
    })
}

fn partition(topics: &Topics, shard: Shard) -> String {
    format!(
        "{}/{}",
        topics.events(shard.stream_type()),
        shard.partition()
    )
}
