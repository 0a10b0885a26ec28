//! Checks, while everything goes on, that Kafka holds what the log holds: every event once, byte for byte,
//! in the order of its stream, for readers that read what is committed.
//!
//! # Why neither the relay nor Kafka at work can look like a difference
//!
//! Four things are read in this order: how far the publisher has come, `P`; the events that it did not
//! publish although they are not beyond `P`, `U` (`es.unpublished`); where each partition ends, `E`, open
//! transactions included; and then, when no transaction before `E` is open any more, what is committed
//! before `E`.
//!
//! - The events up to `P` were sent before `P` could be read, because the record that says `P` was
//!   committed with them or later. So those that were sent are before `E`, and what their transactions
//!   came to is known when the messages are read.
//! - An event up to `P` that is not there was not sent before `E` was read. It had its row in
//!   `es.unpublished` before `P` was committed, and a row goes only after its event is in Kafka. So it is
//!   in `U`, or it is missing.
//! - An event that is there and has a row all the same would be doubled by the next release, or was
//!   skipped and must not be there. Only between a release and the deletion of its rows that is right, and
//!   then the publisher's last record names the release. So after the messages the record is read once
//!   more, and then the rows: one that is still there was not deleted since its event was seen, so no
//!   other transaction came between, and the record is the one of its release, if there was one.
//! - Messages beyond `P` are compared like all others: their events were in the log before they were
//!   sent, so they are there when the log is asked after the message was read.
//!
//! What a topic has lost from its beginning, because somebody made it anew or keeps messages only for a
//! time, is told and is no difference: consumers take that from the log. After a partition's first
//! message nothing may be missing.
//!
//! Nothing is written to Kafka: partitions are assigned by hand, and no offset is committed.

mod message;
mod reader;
mod seen;
mod unpublished;

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use domain::stream_type::StreamType;
use event_store::audit::Audit;
use event_store::audit::finding::{Difference, Findings};
use event_store::cloudevent::Topics;
use event_store::envelope::{Position, Positioned, Shard, StoredEvent, Version};
use event_store::log;
use rdkafka::message::OwnedMessage;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use self::message::{Verdict, compare};
use self::reader::{Batch, Reader};
use self::seen::Seen;

/// Rows of the log that one statement looks at.
const PAGE: i64 = 10_000;
/// Batches of messages that wait to be compared.
const WAITING: usize = 2;

/// Checks all topics of events. Compares messages. Ends soon after it is dropped.
///
/// # Errors
/// When Kafka or Postgres fails, or there are no topics with this prefix.
pub async fn check(audit: &Audit<'_>, brokers: &str, topics: &Topics) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    audit.progress.begin(audit.bounds.head.0.unsigned_abs());
    let (brokers, names) = (brokers.to_owned(), topics.clone());
    let (reader, standing) = spawn_blocking(move || {
        let reader = Reader::new(&brokers, names)?;
        let standing = reader.standing()?;
        anyhow::Ok((reader, standing))
    })
    .await??;
    let published = match &standing {
        Some(standing) => {
            if let Err(another) = standing.verify(audit.pool, topics).await {
                findings.differ(1, unlike(standing.position, another.to_string()));
                return Ok(findings);
            }
            standing.position
        }
        None => Position::START,
    };
    let unpublished = unpublished::up_to(audit.pool, published).await?;

    let (batches, mut read) = mpsc::channel(WAITING);
    let reading = spawn_blocking(move || {
        reader.read(&batches)?;
        reader.standing_after_transactions(&batches)
    });
    let mut shards = Shards::default();
    while let Some(batch) = read.recv().await {
        shards.take_in(audit, topics, &batch, &mut findings).await?;
    }
    let released = reading
        .await??
        .map_or_else(Vec::new, |standing| standing.released);
    shards
        .find_missing(audit.pool, topics, published, &unpublished, &mut findings)
        .await?;
    unpublished::find_published(audit.pool, &shards.seen, &released, &mut findings).await?;
    let unpublished = unpublished.iter().map(|position| Position(*position));
    let unpublished = unpublished.filter(|position| !shards.seen.contains(*position));
    note_progress(
        audit.bounds.head,
        published,
        unpublished.count(),
        &mut findings,
    );
    Ok(findings)
}

fn note_progress(head: Position, published: Position, unpublished: usize, findings: &mut Findings) {
    let behind = head.0 - published.0;
    if behind > 0 {
        findings.note(format!(
            "Kafka has the log up to position {published}; {behind} later events are not published yet"
        ));
    }
    if unpublished > 0 {
        findings.note(format!(
            "{unpublished} events are not in Kafka because it refused them or an event before them: \
             `clustergenie unpublished` says which"
        ));
    }
}

fn unlike(position: Position, found: String) -> Difference {
    Difference {
        position: Some(position),
        expected: "the event that the publisher's record in Kafka names".to_owned(),
        found,
        ..Difference::default()
    }
}

/// What is known of every partition.
#[derive(Default)]
struct Shards {
    /// From where on each must have everything, by its first message.
    first: HashMap<Shard, Position>,
    /// Positions that a message was seen of.
    seen: Seen,
    /// The last version of every stream of the shard that is being read.
    versions: HashMap<Uuid, Version>,
    reading: Option<Shard>,
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
        if self.reading.replace(batch.shard) != Some(batch.shard) {
            self.versions.clear();
        }
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
            let difference = match (compare(topics, message, here), here) {
                (Verdict::Same { behind }, Some((event, _))) => {
                    self.note_place(message, event, batch.shard, behind)
                }
                (Verdict::Same { .. }, None) => None,
                (Verdict::Differs(difference), here) => {
                    // It is there all the same, and not missing too.
                    if let Some((event, _)) = here {
                        self.seen.insert(event.position);
                        self.first.entry(batch.shard).or_insert(event.position);
                    }
                    Some(difference)
                }
            };
            if let Some(difference) = difference {
                findings.differ(1, difference);
            }
        }
        audit.progress.reached(findings.compared);
        Ok(())
    }

    /// Remembers a message that is what it must be. Gives what is wrong with its place, if anything is.
    fn note_place(
        &mut self,
        message: &OwnedMessage,
        event: &Positioned<StoredEvent>,
        shard: Shard,
        behind: Option<Position>,
    ) -> Option<Difference> {
        // One that was published late may belong before everything that the topic still has. It is
        // followed by all that was published after it.
        let whole_from = behind.map_or(event.position, |behind| Position(behind.0 + 1));
        self.first.entry(shard).or_insert(whole_from);
        let is_new = self.seen.insert(event.position);
        let stream = event.event.stream.uuid;
        let before = self.versions.insert(stream, event.event.version);
        message::out_of_line(message, event, is_new, before.unwrap_or_default())
    }

    /// Looks for events up to `published` that no message was seen of.
    async fn find_missing(
        &self,
        pool: &PgPool,
        topics: &Topics,
        published: Position,
        unpublished: &HashSet<i64>,
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
                if self.seen.contains(position) || unpublished.contains(&position.0) {
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
        for shard in Shard::all(StreamType::known()) {
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
