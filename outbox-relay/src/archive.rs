//! Copies the log into an EventStoreDB or KurrentDB server: stream for stream, event for event, the
//! bytes and ids as they are stored.
//!
//! Every append expects the revision before it and carries our event ids. So a copy that was written
//! before the checkpoint moved is recognized and not doubled. It is recognized by its revision, and its last
//! event is compared byte for byte. A stream of another log, or of a state that the log lost by a restore,
//! stops the copying with a reason. An archive that is down or refuses only falls behind.
//!
//! The mapping is tested; the client's calls compile and were not run against a real server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::stream_type::StreamType;
use event_store::backoff::Backoff;
use event_store::consume::checkpoint;
use event_store::consume::generation;
use event_store::consume::source::{Batch, ConsumerId, LogSource, Source};
use event_store::consume::wake::{POLL, Signal};
use event_store::envelope::{Position, Positioned, StoredEvent, StreamId, Version};
use eventstore::{
    AppendToStreamOptions, Client, ClientSettings, CurrentRevision, Error, EventData,
    ExpectedRevision, ReadStreamOptions, StreamPosition,
};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The consumer whose checkpoints are the progress of the copy.
pub const CONSUMER: ConsumerId = ConsumerId {
    name: "archive",
    generation: 1,
};

/// The timeout of one append.
const DEADLINE: Duration = Duration::from_secs(10);

/// Copies until `stop`; `url` is like `esdb://host:2113?tls=false`. TLS is that of ring, also for other
/// code in the process that asks rustls for its default.
///
/// # Errors
/// When the URL is malformed or the client cannot be made. Failures of the server are retried without end.
pub async fn run(
    pool: PgPool,
    url: &str,
    sequenced: Signal,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    // The client asks for a default, and two are linked. An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = url.parse::<ClientSettings>();
    let settings = settings.map_err(|error| anyhow::anyhow!("the archive's URL: {error}"))?;
    let archive = Archive {
        client: Arc::new(Client::new(settings)?),
    };
    let mut source = LogSource::new(
        pool.clone(),
        CONSUMER.name,
        StreamType::known(),
        sequenced,
        POLL,
    );
    let mut pause = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
    loop {
        let copying = archive.copy(&pool, &mut source, || pause.reset());
        let error = tokio::select! {
            Err(error) = copying => error,
            () = stop.cancelled() => return Ok(()),
        };
        tracing::warn!(
            why = format!("{error:#}"),
            "copying to the archive failed; retrying"
        );
        tokio::select! {
            () = tokio::time::sleep(pause.next_pause()) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

struct Archive {
    client: Arc<Client>,
}

impl Archive {
    /// Copies from the checkpoints on, until an error. Calls `copied` after every batch.
    async fn copy(
        &self,
        pool: &PgPool,
        source: &mut LogSource,
        mut copied: impl FnMut(),
    ) -> anyhow::Result<Infallible> {
        generation::begin(pool, CONSUMER.name, CONSUMER.generation).await?;
        source.rewind(CONSUMER.generation).await?;
        loop {
            self.copy_batch(pool, &source.next().await?).await?;
            copied();
        }
    }

    async fn copy_batch(&self, pool: &PgPool, batch: &Batch) -> anyhow::Result<()> {
        for (stream, events) in by_stream(&batch.events) {
            self.append(stream, &events).await?;
        }
        let mut transaction = event_store::pool::begin(pool).await?;
        checkpoint::advance(&mut transaction, CONSUMER, batch.incarnation, &batch.moves).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Appends those of these consecutive events that the archive's stream lacks.
    async fn append(
        &self,
        stream: StreamId,
        events: &[&Positioned<StoredEvent>],
    ) -> anyhow::Result<()> {
        let mut missing = events;
        while let Some(first) = missing.first() {
            let options = AppendToStreamOptions::default()
                .expected_revision(expected_before(first.event.version))
                .deadline(DEADLINE);
            let copies: Vec<EventData> = missing
                .iter()
                .map(|e| copy_of(e))
                .collect::<Result<_, _>>()?;
            let name = name_of(stream);
            match self.client.append_to_stream(name, &options, copies).await {
                Ok(_) => return Ok(()),
                Err(Error::WrongExpectedVersion { current, .. }) => {
                    let left = beyond(missing, current);
                    anyhow::ensure!(
                        left.len() < missing.len(),
                        "the archive lacks earlier events of {stream}: it has {current}"
                    );
                    let copied = &missing[..missing.len() - left.len()];
                    if let Some(last) = copied.last() {
                        self.ensure_copied(stream, last).await?;
                    }
                    missing = left;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Checks that the archive's event is a copy of this one, of which it has the revision. After a restore of the log,
    /// it can be one that the log lost.
    async fn ensure_copied(
        &self,
        stream: StreamId,
        event: &Positioned<StoredEvent>,
    ) -> anyhow::Result<()> {
        let version = event.event.version;
        let options = ReadStreamOptions::default()
            .position(StreamPosition::Position(revision(version)))
            .max_count(1);
        let reading = async {
            let mut found = self.client.read_stream(name_of(stream), &options).await?;
            found.next().await
        };
        let found = tokio::time::timeout(DEADLINE, reading).await??;
        let is_copy = found.is_some_and(|found| {
            let found = found.get_original_event();
            is_copy_of(event, found.id, &found.data, &found.custom_metadata)
        });
        anyhow::ensure!(
            is_copy,
            "the archive has another event of {stream} at version {version} than this log, such as one that the log \
             lost by a restore: copy into an archive of its own"
        );
        Ok(())
    }
}

/// Returns whether an event of the archive is a copy of this one, byte for byte.
fn is_copy_of(event: &Positioned<StoredEvent>, id: Uuid, data: &[u8], metadata: &[u8]) -> bool {
    let expected = copy_metadata(event).and_then(|expected| serde_json::to_vec(&expected));
    id == event.event.event_id.as_uuid()
        && data == event.event.data.as_bytes()
        && expected.is_ok_and(|expected| expected == metadata)
}

/// The metadata of a copy: everything in our columns but the event's data.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CopyMetadata<'a> {
    position: Position,
    schema_version: i32,
    organization: &'a str,
    recorded_at: DateTime<Utc>,
    metadata: &'a RawValue,
}

fn copy_metadata(event: &Positioned<StoredEvent>) -> serde_json::Result<CopyMetadata<'_>> {
    let Positioned { position, event } = event;
    Ok(CopyMetadata {
        position: *position,
        schema_version: event.schema_version,
        organization: event.org.as_str(),
        recorded_at: event.recorded_at,
        metadata: serde_json::from_str(&event.metadata)?,
    })
}

fn copy_of(event: &Positioned<StoredEvent>) -> serde_json::Result<EventData> {
    let metadata = copy_metadata(event)?;
    let event = &event.event;
    let data: &RawValue = serde_json::from_str(&event.data)?;
    EventData::json(&event.event_type, &data)?
        .id(event.event_id.as_uuid())
        .metadata_as_json(&metadata)
}

fn name_of(stream: StreamId) -> String {
    format!("{}-{}", stream.stream_type, stream.uuid)
}

/// Converts a version, which counts from 1, to a revision, which counts from 0.
fn revision(version: Version) -> u64 {
    u64::try_from(version.0 - 1).expect("the version of an event is at least 1")
}

fn expected_before(first: Version) -> ExpectedRevision {
    match revision(first).checked_sub(1) {
        None => ExpectedRevision::NoStream,
        Some(before) => ExpectedRevision::Exact(before),
    }
}

/// Returns the events that a stream at the given revision does not have.
fn beyond<'a, 'b>(
    events: &'a [&'b Positioned<StoredEvent>],
    current: CurrentRevision,
) -> &'a [&'b Positioned<StoredEvent>] {
    let has = match current {
        CurrentRevision::NoStream => 0,
        CurrentRevision::Current(revision) => {
            events.partition_point(|e| self::revision(e.event.version) <= revision)
        }
    };
    &events[has..]
}

/// Groups events by stream, in the order of their first events.
fn by_stream(
    events: &[Arc<Positioned<StoredEvent>>],
) -> Vec<(StreamId, Vec<&Positioned<StoredEvent>>)> {
    let mut streams: Vec<(StreamId, Vec<_>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for event in events {
        let stream = event.event.stream;
        let place = *places.entry(stream).or_insert_with(|| {
            streams.push((stream, Vec::new()));
            streams.len() - 1
        });
        streams[place].1.push(event.as_ref());
    }
    streams
}

#[cfg(test)]
mod tests;
