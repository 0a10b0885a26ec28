//! A drain of the log by `clustergenie relay`.

use std::collections::HashMap;
use std::fs::File;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use chrono::Utc;
use domain::stream_type::StreamType;
use event_store::cloudevent::{self, Topics};
use event_store::envelope::{Position, Shard};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testkit::kafka::TestKafka;
use tokio::process::Child;

use super::history::History;
use super::reader::{self, Want};
use super::{Run, create_topics};
use crate::platform::{free_port, without_settings};
use crate::usage::Processes;

/// The figures of a drain.
pub(super) struct Drained {
    pub(super) per_second: f64,
    /// Processor time of the relay for an event, with the start of the process.
    pub(super) processor_micros: f64,
}

/// Drains the whole log to new topics, and compares them with the log.
///
/// # Errors
/// When the relay fails, or an event is missing, doubled, altered or out of order.
pub(super) async fn ours(run: &Run<'_>, history: &Arc<History>) -> anyhow::Result<Drained> {
    let kafka = create_topics(run).await;
    let mut relay = Relay::start(run, &kafka, 1)?;
    let last = i64::try_from(history.len())?;
    relay.published(run, &kafka, last).await?;
    let ended = now_millis();
    let processor = relay.processor_time()?;
    relay.stop().await?;
    let started = compare(run, kafka.topics(), history).await?;
    let seconds = (ended - started) as f64 / 1_000.0;
    Ok(Drained {
        per_second: history.len() as f64 / seconds,
        processor_micros: processor.as_secs_f64() * 1e6 / history.len() as f64,
    })
}

/// Reads all messages, and returns the time of the first one.
async fn compare(run: &Run<'_>, topics: Topics, history: &Arc<History>) -> anyhow::Result<i64> {
    let first = Arc::new(AtomicI64::new(i64::MAX));
    let (earliest, expected) = (Arc::clone(&first), Arc::clone(history));
    let types = StreamType::known().iter().copied();
    let by_topic: HashMap<String, StreamType> = types.map(|of| (topics.events(of), of)).collect();
    let names = by_topic.keys().cloned().collect();
    let mut heads: HashMap<Shard, Position> = HashMap::new();
    let seen = Arc::new(AtomicI64::new(0));
    let count = Arc::clone(&seen);
    reader::read_all(run.brokers, names, move |message| {
        let shard = Shard::new(
            by_topic[message.topic()],
            i16::try_from(message.partition())?,
        );
        let received = cloudevent::decode(shard, &headers(message), value(message)?)?;
        let position = received.event.position;
        // Each names the one before it, so none is missing, doubled or out of order.
        let before = heads.insert(shard, position).unwrap_or_default();
        ensure!(
            received.previous == before,
            "position {position} comes after {before}"
        );
        ensure!(
            expected.has(&received.event),
            "position {position} is altered"
        );
        let sent = message.timestamp().to_millis();
        earliest.fetch_min(sent.context("a message has a time")?, Ordering::Relaxed);
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })
    .await?;
    let seen = seen.load(Ordering::Relaxed);
    ensure!(
        seen == i64::try_from(history.len())?,
        "Kafka has {seen} of {} events",
        history.len()
    );
    Ok(first.load(Ordering::Relaxed))
}

fn headers<'a>(message: &'a BorrowedMessage<'_>) -> HashMap<&'a str, &'a str> {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    headers
        .filter_map(|header| Some((header.key, std::str::from_utf8(header.value?).ok()?)))
        .collect()
}

fn value<'a>(message: &'a BorrowedMessage<'_>) -> anyhow::Result<&'a str> {
    Ok(std::str::from_utf8(message.payload().unwrap_or_default())?)
}

/// Returns the milliseconds since 1970, as Kafka counts.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is an edge: the time enters here"
)]
pub(super) fn now_millis() -> i64 {
    Utc::now().timestamp_millis()
}

/// A running `clustergenie relay`.
pub(super) struct Relay(Child);

impl Relay {
    /// Starts the relay, which publishes from a position on to topics that were created for it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn start(run: &Run<'_>, kafka: &TestKafka, from: i64) -> anyhow::Result<Self> {
        let progress = kafka.topics().progress();
        let prefix = progress.trim_end_matches(".relay.v1");
        let log = File::create(run.suite.dir.join(format!("{prefix}.log")))?;
        let child = without_settings(&run.suite.program)
            .args(["relay", "--database-url", &run.suite.database_url])
            .args(["--kafka", run.brokers, "--kafka-prefix", prefix])
            .args(["--republish-from", &from.to_string()])
            .arg(format!("--metrics-listen=127.0.0.1:{}", free_port()?))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("the relay cannot be started")?;
        Ok(Self(child))
    }

    /// Waits until readers of committed messages see the progress at this position, or a later one.
    ///
    /// # Errors
    /// When Kafka fails, the relay ends, or nothing is published for a minute.
    pub(super) async fn published(
        &mut self,
        run: &Run<'_>,
        kafka: &TestKafka,
        position: i64,
    ) -> anyhow::Result<()> {
        let consumer = reader::at_beginning(run.brokers, &[kafka.topics().progress()], 1)?;
        let following = reader::follow(consumer, move |message| {
            let record: Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
            let is_there = record["position"].as_i64() >= Some(position);
            Ok(if is_there { Want::Enough } else { Want::More })
        });
        tokio::select! {
            followed = following => followed,
            ended = self.0.wait() => bail!("the relay ended: {}", ended?),
        }
    }

    fn processor_time(&self) -> anyhow::Result<Duration> {
        Processes::One(self.0.id().context("the relay has ended")?).used()
    }

    /// Stops the relay in order.
    ///
    /// # Errors
    /// When it had ended before.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.0.id().context("the relay has ended")?;
        let pid = Pid::from_raw(pid.try_into()?).context("a process has a number")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.0.wait().await?;
        ensure!(status.success(), "the relay failed");
        Ok(())
    }
}
