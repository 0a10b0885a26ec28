//! Writes to Kafka in transactions. All calls here block, and run on a thread for that.
//!
//! Proof that nothing is lost or doubled, and that positions ascend in every partition:
//! - A transaction holds all events of the log after one position, up to another, in order, and the
//!   record that says so ([`crate::progress`]). It is sent in parts, in that order, and the record comes last.
//!   An idempotent producer keeps that order within each partition, also where it sends a batch again.
//! - A writer that starts fences the one before it (`transactional.id`), which also ends the transaction
//!   that was open, one way or the other. Only then it reads the record. So it reads what
//!   `read_committed` readers see, and nothing can be added afterwards by anybody else.
//! - Nothing is sent twice by us: after any failure this writer is given up, and a new one starts from
//!   the record. A message that Kafka does not take in time, or refuses, fails its transaction, so it
//!   cannot leave a hole.
//!
//! `tests/it/model.rs` explores all schedules of two writers, and shows that each of these is needed.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use event_store::cloudevent::{Message, Topics};
use event_store::envelope::Position;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Target;
use crate::health::{RelayHealth, State};
use crate::kafka_diagnostics::{self, Diagnostics, Failure};
use crate::message_size::MAX_MESSAGE_BYTES;
use crate::progress::{self, Progress, Standing};
use crate::topic_tail::Tail;
use crate::topics::ensure_topics;

/// Poll interval for delivery reports.
const POLL: Duration = Duration::from_micros(200);
/// The longest wait of one call: the poll interval for `stop`, and for reports that Kafka is slow.
const SLICE: Duration = Duration::from_secs(2);
/// The longest wait of one call that aborts, in which no report is handled.
const ABORT_SLICE: Duration = Duration::from_millis(50);
/// The timeout of repeated calls, after which this writer is given up: as long as Kafka keeps an open
/// transaction.
const PATIENCE: Duration = Duration::from_secs(60);

/// The one producer that may write.
pub(crate) struct Writer {
    producer: BaseProducer<Diagnostics>,
    topics: Topics,
}

/// The result of sending, or of committing.
#[derive(Debug, PartialEq)]
pub(crate) enum Written {
    /// The messages are on their way; or Kafka has all of the transaction.
    Done,
    /// Kafka has nothing of the transaction, and refuses these messages for good: at least one.
    Refused(Vec<Failure>),
}

/// The health that a writer at work reports to, and the token that stops it.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) health: &'a RelayHealth,
    pub(crate) stop: &'a CancellationToken,
}

impl Writer {
    /// Creates missing topics, checks all of them, fences the writer before, and reads its progress. Returns the
    /// position after which to begin.
    ///
    /// `resume` decides on that position by the progress, or refuses. It is asked before the other writer is fenced,
    /// too: the relay of another database must not stop the one whose topics these are. A progress that is read then
    /// may be outdated, but it is of the same log.
    pub(crate) fn start(
        target: &Target,
        runtime: &Handle,
        watch: Watch<'_>,
        resume: impl Fn(Option<&Standing>) -> anyhow::Result<Position>,
    ) -> anyhow::Result<(Self, Position)> {
        let Target {
            brokers, topics, ..
        } = target;
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("socket.timeout.ms", "10000")
            .set("reconnect.backoff.max.ms", "1000");
        let producer: BaseProducer<Diagnostics> = config
            .clone()
            .set("transactional.id", topics.transactional_id())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            // A failure that lasts is reported with its reason, before it is tried again from the start.
            .set("retries", "5")
            // A topic that vanishes is created again soon, and not waited for.
            .set("topic.metadata.propagation.max.ms", "5000")
            // The partition is always given; this is for those who copy our settings.
            .set("partitioner", "murmur2_random")
            // A topic that takes the largest event takes every batch. A batch that compression makes larger is sent
            // as it was.
            .set("batch.size", MAX_MESSAGE_BYTES.to_string())
            // Most bytes of a message are headers, which repeat.
            .set("compression.codec", "zstd")
            .create_with_context(Diagnostics::default())
            .context("the settings of the Kafka client are refused")?;
        ensure_topics(&producer, &config, topics, runtime)?;
        let tail = Tail::new(config)?;
        let position = || resume(Standing::read(&tail, topics)?.as_ref());
        position()?;
        let writer = Self {
            producer,
            topics: topics.clone(),
        };
        writer.repeat(watch, "taking over from the last relay", |producer| {
            producer.init_transactions(SLICE)
        })?;
        let position = position()?;
        Ok((writer, position))
    }

    /// Begins a transaction.
    ///
    /// After a failure of this or the other calls this writer must not be used again: the client does not number its
    /// records rightly after it gave some up. The next writer ends a transaction that was left open.
    pub(crate) fn begin(&self) -> anyhow::Result<()> {
        self.producer
            .begin_transaction()
            .map_err(|error| self.explain(error, "beginning a transaction"))
    }

    /// Hands messages over to the client, which sends them while this thread does other work. `first` is the index of
    /// the first one in the transaction.
    pub(crate) fn send(
        &self,
        first: usize,
        messages: &[Message],
        watch: Watch<'_>,
    ) -> anyhow::Result<Written> {
        for (which, message) in (first..).zip(messages) {
            match self.enqueue(which, message) {
                Ok(()) => {}
                Err(error) if kafka_diagnostics::is_for_good(&error) => {
                    return Ok(self.refused(vec![Failure { which, error }]));
                }
                // Kafka did not take a message that was sent before: its delivery report says which.
                Err(error) if is_given_up(&error) => {
                    let failures = self.await_deliveries(watch)?;
                    if failures.is_empty() {
                        return Err(self.explain(error, "sending an event"));
                    }
                    return self.failed(failures);
                }
                Err(error) => return Err(self.explain(error, "sending an event")),
            }
        }
        self.serve_reports();
        self.failed(kafka_diagnostics::take_failures(&self.producer))
    }

    /// Adds the record of progress, waits until Kafka has every message, and commits.
    pub(crate) fn commit(&self, progress: &Progress, watch: Watch<'_>) -> anyhow::Result<Written> {
        let progress = serde_json::to_string(progress).context("a record of progress is JSON")?;
        match self.enqueue_progress(&progress) {
            Err(error) if !is_given_up(&error) => {
                return Err(self.explain(error, "sending the progress"));
            }
            _ => {}
        }
        if let Written::Refused(failures) = self.failed(self.await_deliveries(watch)?)? {
            return Ok(Written::Refused(failures));
        }
        self.repeat(watch, "committing a transaction", |producer| {
            producer.commit_transaction(SLICE)
        })?;
        Ok(Written::Done)
    }

    fn enqueue(&self, which: usize, message: &Message) -> Result<(), KafkaError> {
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

    fn enqueue_progress(&self, progress: &str) -> Result<(), KafkaError> {
        let topic = self.topics.progress();
        let record = BaseRecord::with_opaque_to(&topic, kafka_diagnostics::RECORD)
            .partition(0)
            .key(progress::KEY)
            .payload(progress);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// Waits until Kafka has taken every message, or has not taken one: the rest is then not sent at all.
    /// Returns those that it did not take.
    ///
    /// The client's own waits would not do: a flush polls every 100 ms only, and a poll with a timeout lasts for all of
    /// it, its last millisecond as a loop that occupies a processor.
    fn await_deliveries(&self, watch: Watch<'_>) -> anyhow::Result<Vec<Failure>> {
        let started = Instant::now();
        let mut reported = started;
        let mut failures = Vec::new();
        loop {
            self.serve_reports();
            failures.extend(kafka_diagnostics::take_failures(&self.producer));
            if self.producer.in_flight_count() == 0 || !failures.is_empty() {
                return Ok(failures);
            }
            if reported.elapsed() > SLICE {
                reported = Instant::now();
                let waiting = KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut);
                self.delayed(watch, started, waiting, "sending events")?;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "this thread is for calls that block"
            )]
            thread::sleep(POLL);
        }
    }

    /// Handles every delivery report that the client has, and never waits.
    fn serve_reports(&self) {
        loop {
            let before = self.producer.in_flight_count();
            // One report at a time, of all messages of a request.
            self.producer.poll(Duration::ZERO);
            if self.producer.in_flight_count() == before {
                return;
            }
        }
    }

    /// Ends the transaction if messages failed.
    fn failed(&self, failures: Vec<Failure>) -> anyhow::Result<Written> {
        if failures.is_empty() {
            return Ok(Written::Done);
        }
        ensure_refused(&failures)?;
        Ok(self.refused(failures))
    }

    /// Aborts a transaction of which Kafka refuses messages, so that no reader waits for it until the next attempt.
    fn refused(&self, failures: Vec<Failure>) -> Written {
        self.abort();
        Written::Refused(failures)
    }

    /// Aborts the transaction, if there is one and Kafka answers. This writer must not be used again.
    ///
    /// The client first waits until the reports of all messages are handled, also of those that it gives up. Nobody else
    /// handles them, so that happens between short calls, each of which continues the abort.
    pub(crate) fn abort(&self) {
        let started = Instant::now();
        while let Err(error) = self.producer.abort_transaction(ABORT_SLICE) {
            if !is_retriable(&error) || started.elapsed() > SLICE {
                tracing::debug!(%error, "the next writer ends the transaction");
                return;
            }
            self.serve_reports();
        }
    }

    /// Repeats a call that Kafka says may be repeated.
    fn repeat(
        &self,
        watch: Watch<'_>,
        doing: &str,
        call: impl Fn(&BaseProducer<Diagnostics>) -> Result<(), KafkaError>,
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

    /// Reports that Kafka is slow; fails when waiting longer is of no use.
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

/// Fails unless Kafka refused each of these messages for good, and each is an event's.
fn ensure_refused(failures: &[Failure]) -> anyhow::Result<()> {
    for Failure { which, error } in failures {
        if !kafka_diagnostics::is_for_good(error) || *which == kafka_diagnostics::RECORD {
            bail!("a message was not delivered: {error}");
        }
    }
    Ok(())
}

/// True if a transaction takes no more messages.
fn is_given_up(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::State)
}

fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_retriable())
}
