//! Writes to Kafka, one transaction a batch. Everything here blocks, and has a thread to do so.
//!
//! Why nothing is lost or doubled: a transaction holds all events of the log between two positions
//! (but for those that are held back, see [`crate::held`]), and the record that says so
//! ([`crate::progress`]). A writer that starts fences the one before it
//! (`transactional.id`), which also decides the transaction that was open; only then it reads the
//! record. So what it reads is what `read_committed` readers see, and nothing can be added behind its
//! back. Nothing is ever sent twice by us: after any failure this writer is given up, and a new one
//! starts from the record.
//!
//! A message that Kafka does not take in time, or refuses, fails its transaction, so it cannot leave a
//! hole.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use event_store::cloudevent::{Message, Topics};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::health::{RelayHealth, State};
use crate::kafka_diagnostics::{self, Failure, FailureKind, Trouble};
use crate::progress::{self, Progress, Standing};
use crate::topic_tail::Tail;
use crate::topics::ensure_topics;

/// How long to wait for news of deliveries.
const POLL: Duration = Duration::from_millis(1);
/// How long one call waits before we look whether to go on, and say that Kafka is slow.
const SLICE: Duration = Duration::from_secs(2);
/// How long a call is repeated before this writer is given up: as long as Kafka keeps an open
/// transaction.
const PATIENCE: Duration = Duration::from_secs(60);

/// The one producer that may write.
pub(crate) struct Writer {
    producer: BaseProducer<Trouble>,
    topics: Topics,
}

/// How a transaction ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Kafka has all of it.
    Committed,
    /// Kafka will have nothing of it, and refuses some of its events for good.
    Refused(Vec<Refused>),
}

/// An event that Kafka refused for good. Of a sweeping writer it may have been refused only because it
/// was in one batch with another one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its place among the events of the transaction.
    pub(crate) which: usize,
    /// In Kafka's words.
    pub(crate) why: String,
}

/// How a writer hands events to Kafka. A batch is taken or refused as a whole, and nothing says which
/// of its records is to blame. So where something was refused, a careful writer makes batches of one.
/// Halving a refused batch again and again would find the record too, but with many more attempts, and
/// would blame nobody where a topic takes every record and not the batches of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// In batches: as fast as it goes.
    Sweeping,
    /// Each event in a batch of its own.
    Careful,
}

/// Who watches a writer at work.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) health: &'a RelayHealth,
    pub(crate) stop: &'a CancellationToken,
}

impl Writer {
    /// Makes missing topics, fences the writer before, and reads where it stood.
    pub(crate) fn start(
        brokers: &str,
        topics: Topics,
        care: Care,
        runtime: &Handle,
        watch: Watch<'_>,
    ) -> anyhow::Result<(Self, Option<Standing>)> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("socket.timeout.ms", "10000")
            .set("reconnect.backoff.max.ms", "1000");
        let producer: BaseProducer<Trouble> = config
            .clone()
            .set("transactional.id", topics.transactional_id())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            // What does not pass soon is told, with its reason, before it is tried again from the start.
            .set("retries", "5")
            // A topic that vanishes is made anew soon, and not waited for.
            .set("topic.metadata.propagation.max.ms", "5000")
            // The partition is always given; this is for those who copy our settings.
            .set("partitioner", "murmur2_random")
            .set("batch.num.messages", care.batch())
            .create_with_context(Trouble::default())
            .context("the settings of the Kafka client are refused")?;
        ensure_topics(&producer, &config, &topics, runtime)?;
        let writer = Self { producer, topics };
        writer.repeat(watch, "taking over from the last relay", |producer| {
            producer.init_transactions(SLICE)
        })?;
        let standing = Standing::read(&Tail::new(config)?, &writer.topics)?;
        Ok((writer, standing))
    }

    /// Writes messages and the record of progress in one transaction. After anything but
    /// [`Written::Committed`] this writer must not be used again: the client does not number its records
    /// rightly after it gave some up. The one that comes next ends the transaction that was left open.
    pub(crate) fn write(
        &self,
        messages: &[Message],
        progress: &Progress,
        watch: Watch<'_>,
    ) -> anyhow::Result<Written> {
        let progress = serde_json::to_string(progress).context("a record of progress is JSON")?;
        self.producer
            .begin_transaction()
            .map_err(|error| self.explain(error, "beginning a transaction"))?;
        for (which, message) in messages.iter().enumerate() {
            match self.send(which, message) {
                Ok(()) => {}
                Err(error) if kafka_diagnostics::is_for_good(&error) => {
                    let why = error.to_string();
                    return Ok(Written::Refused(vec![Refused { which, why }]));
                }
                // Kafka did not take a message that was sent before: below it is told which.
                Err(error) if is_given_up(&error) => break,
                Err(error) => return Err(self.explain(error, "sending an event")),
            }
        }
        match self.send_progress(&progress) {
            Err(error) if !is_given_up(&error) => {
                return Err(self.explain(error, "sending the progress"));
            }
            _ => {}
        }
        let failures = self.await_deliveries(watch)?;
        if !failures.is_empty() {
            return refusals(failures);
        }
        self.repeat(watch, "committing a transaction", |producer| {
            producer.commit_transaction(SLICE)
        })?;
        Ok(Written::Committed)
    }

    fn send(&self, which: usize, message: &Message) -> Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header {
                key,
                value: Some(value),
            });
        }
        let record = BaseRecord::with_opaque_to(&message.topic, which)
            .partition(message.partition)
            .key(&message.key)
            .payload(&message.value)
            .headers(headers);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    fn send_progress(&self, progress: &str) -> Result<(), KafkaError> {
        let topic = self.topics.progress();
        let record = BaseRecord::with_opaque_to(&topic, kafka_diagnostics::RECORD)
            .partition(0)
            .key(progress::KEY)
            .payload(progress);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// Waits until Kafka has taken every message, or has not taken one: the rest is then not sent at all.
    /// Gives those that it did not take. The client's own flush would do, but looks up only every 100 ms.
    fn await_deliveries(&self, watch: Watch<'_>) -> anyhow::Result<Vec<Failure>> {
        let started = Instant::now();
        let mut said = started;
        let mut failures = Vec::new();
        while self.producer.in_flight_count() > 0 && failures.is_empty() {
            self.producer.poll(POLL);
            failures = kafka_diagnostics::failures(&self.producer);
            if said.elapsed() > SLICE {
                said = Instant::now();
                let waiting = KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut);
                self.delayed(watch, started, waiting, "sending events")?;
            }
        }
        failures.extend(kafka_diagnostics::failures(&self.producer));
        Ok(failures)
    }

    /// Repeats a call that Kafka says may be repeated.
    fn repeat(
        &self,
        watch: Watch<'_>,
        doing: &str,
        call: impl Fn(&BaseProducer<Trouble>) -> Result<(), KafkaError>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match call(&self.producer) {
                Ok(()) => return Ok(()),
                Err(error) if is_retriable(&error) => {
                    self.delayed(watch, started, error, doing)?;
                }
                Err(error) => return Err(self.explain(error, doing)),
            }
        }
    }

    /// Says that Kafka is slow; fails when there is no use in waiting longer.
    fn delayed(
        &self,
        watch: Watch<'_>,
        started: Instant,
        error: KafkaError,
        doing: &str,
    ) -> anyhow::Result<()> {
        let why = self.explain(error, doing);
        if started.elapsed() > PATIENCE {
            return Err(why);
        }
        if watch.stop.is_cancelled() {
            bail!("{doing}: stopped meanwhile");
        }
        let why = format!("{why:#}");
        watch.health.publisher.becomes(State::Failing { why });
        Ok(())
    }

    fn explain(&self, error: KafkaError, doing: &str) -> anyhow::Error {
        kafka_diagnostics::explain(&self.producer, error, doing)
    }
}

impl Care {
    /// Messages at most in a batch.
    fn batch(self) -> &'static str {
        match self {
            Self::Sweeping => "10000",
            Self::Careful => "1",
        }
    }
}

/// The events among messages that were not delivered, if each of them was refused for good.
fn refusals(failures: Vec<Failure>) -> anyhow::Result<Written> {
    let mut refused = Vec::new();
    for Failure { which, why, kind } in failures {
        if kind == FailureKind::ForNow || which == kafka_diagnostics::RECORD {
            bail!("a message was not delivered: {why}");
        }
        refused.push(Refused { which, why });
    }
    Ok(Written::Refused(refused))
}

/// Whether a transaction takes no more messages.
fn is_given_up(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::State)
}

fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_retriable())
}
