//! The time from the commit of an event to its arrival at a `read_committed` reader.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use domain::event::DomainEvent;
use domain::ids::{EventId, OrgId};
use domain::job::JobEvent;
use domain::stream_type::StreamType;
use event_store::cloudevent::Topics;
use event_store::consume::wake::{self, Hint, Wake};
use event_store::envelope::{Shard, StreamId, Version};
use event_store::log;
use event_store::write::append::{Append, Outcome, StreamAppend};
use event_store::write::group::Appender;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::drain::Relay;
use super::reader::{self, Want};
use super::{EVENTS_PER_SECOND, MILLIS, Run, create_topics};
use crate::latencies::percentile;
use crate::metadata::{metadata, new_id};
use crate::report::Report;

/// The metadata and the data of a row of the peer's outbox, as large as those of our events.
pub(super) const METADATA: &str = r#"{"actor":"bench","command_id":"01990000-0000-7000-8000-000000000000","correlation_id":"01990000-0000-7000-8000-000000000000","source":"api","occurred_at":"2026-01-01T00:00:00Z"}"#;
pub(super) const DATA: &str = r#"{"kind":"batch","subject":{"droplet":"01990000-0000-7000-8000-000000000000"},"parameters":{},"runner":"agent","attempts":1}"#;

/// Seconds of events before those that are measured.
const WARM_UP: u32 = 3;

/// Sorted latencies.
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Adds the percentiles to the report.
    pub(super) fn add(&self, report: &mut Report, work: &str, side: &str) {
        for percent in [50, 99] {
            let value = percentile(&self.0, percent);
            report.add(&format!("{work}, p{percent}"), side, MILLIS, value);
        }
    }
}

/// Appends events one by one while the relay follows.
///
/// # Errors
/// When the relay fails, or an event is not published once.
pub(super) async fn ours(run: &Run<'_>, pool: &PgPool) -> anyhow::Result<Latencies> {
    let kafka = create_topics(run).await;
    let next = log::head(pool).await?.0 + 1;
    let mut relay = Relay::start(run, &kafka, next)?;
    relay.published(run, &kafka, next - 1).await?;
    let (wake, stop) = (Wake::default(), CancellationToken::new());
    let (appender, group) = Appender::new(pool.clone(), wake.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(group.run());
    // As an `api` process does.
    let announcing = wake::announce(pool.clone(), wake, Hint::Appended, stop);
    tasks.spawn(announcing);
    let append = |_| {
        let appender = appender.clone();
        async move { append(&appender).await }
    };
    let measured = measure(run, kafka.topics(), "ce_id", append).await?;
    relay.stop().await?;
    Ok(measured)
}

/// Writes events at the rate, while a reader of the topics of jobs waits for them. `write` returns the id of the event
/// in the header of this name, and the time of its commit.
///
/// # Errors
/// When a write fails, or an event arrives twice or not at all.
pub(super) async fn measure<F>(
    run: &Run<'_>,
    topics: Topics,
    header: &'static str,
    write: impl Fn(u32) -> F,
) -> anyhow::Result<Latencies>
where
    F: Future<Output = anyhow::Result<(Uuid, Instant)>> + Send + 'static,
{
    let seconds = WARM_UP + u32::from(run.suite.seconds);
    let count = seconds * EVENTS_PER_SECOND;
    let topic = vec![topics.events(StreamType::JOB)];
    // Before the first write, so that nothing is missed.
    let consumer = reader::at_end(run.brokers, topic, Shard::PARTITIONS.into()).await?;
    let arrived: Arc<Mutex<HashMap<Uuid, Instant>>> = Arc::default();
    let seen = Arc::clone(&arrived);
    let reading = reader::follow(consumer, move |message| {
        let now = Instant::now();
        let id: Uuid = reader::header(message, header)?.parse()?;
        let mut seen = seen.lock().expect("no holder panics");
        ensure!(seen.insert(id, now).is_none(), "event {id} came twice");
        let is_last = seen.len() == usize::try_from(count)?;
        Ok(if is_last { Want::Enough } else { Want::More })
    });
    let writing = async {
        let mut ticks = interval(Duration::from_secs(1) / EVENTS_PER_SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut writes = JoinSet::new();
        for number in 0..count {
            ticks.tick().await;
            let write = write(number);
            writes.spawn(async move { Ok((number, write.await?)) });
        }
        let written = writes.join_all().await.into_iter();
        written.collect::<anyhow::Result<Vec<(u32, (Uuid, Instant))>>>()
    };
    let (written, ()) = tokio::try_join!(writing, reading)?;
    let arrived = arrived.lock().expect("no holder panics");
    let mut latencies = Vec::new();
    for (number, (id, committed)) in written {
        let arrived = arrived.get(&id).context("another event came instead")?;
        if number >= WARM_UP * EVENTS_PER_SECOND {
            latencies.push(arrived.saturating_duration_since(committed));
        }
    }
    latencies.sort_unstable();
    Ok(Latencies(latencies))
}

async fn append(appender: &Appender) -> anyhow::Result<(Uuid, Instant)> {
    let stream = StreamId {
        stream_type: StreamType::JOB,
        uuid: new_id(),
    };
    let event = JobEvent::samples().remove(0);
    let append = StreamAppend {
        stream,
        expected: Version::NONE,
        events: vec![event.into()],
    };
    let append = Append::new(OrgId::parse("bench")?, vec![append], metadata());
    let outcome = appender.append(append).await?;
    ensure!(outcome == Outcome::Appended, "a new stream has no rival");
    Ok((EventId::derive(stream.uuid, 1).as_uuid(), Instant::now()))
}
